#include "services/orchestrator/orchestrator_settings.h"

namespace vora::orchestrator {

void OrchestratorSettings::Declare(SettingsSchema& schema) {
  schema.Add("VORA_DATABASE_URL", &database_url, "PostgreSQL, as postgresql://user:password@host:port/dbname",
             {.secret = true, .required = true});
  schema.Add("VORA_DATABASE_CONNECTIONS", &connections, "The most connections to PostgreSQL at a time", {.min = 4, .max = 200});
  schema.Add("VORA_LEASE_GRACE", &lease_grace,
             "How long after a start or an outage of PostgreSQL a worker's missing heartbeats are not counted, so that it can find its "
             "way back",
             {.min = 0, .max = 60'000});
}

}  // namespace vora::orchestrator
