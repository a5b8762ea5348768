#include "services/orchestrator/orchestrator_settings.h"

namespace vora::orchestrator {

namespace {

constexpr int64_t kMostDays = 36'500;

}  // namespace

void OrchestratorSettings::Declare(SettingsSchema& schema) {
  schema.Add("VORA_DATABASE_URL", &database_url, "PostgreSQL, as postgresql://user:password@host:port/dbname",
             {.secret = true, .required = true});
  schema.Add("VORA_DATABASE_CONNECTIONS", &connections, "The most connections to PostgreSQL at a time", {.min = 4, .max = 200});
  schema.Add("VORA_LEASE_GRACE", &lease_grace,
             "How long after a start or an outage of PostgreSQL a worker's missing heartbeats are not counted, so that it can find its "
             "way back",
             {.min = 0, .max = 60'000});
  schema.AddBytes("VORA_REPLAY_CACHE_BYTES", &replay_cache_bytes,
                  "How much memory workflows that wait may take up, so that they need not be replayed when they go on; 0: none",
                  {.min = 0, .max = int64_t{1} << 40});
  schema.Add("VORA_RETENTION_DAYS", &retention_days,
             "For how many days closed workflows are kept, with their histories; 0: for ever; tenants may have their own",
             {.min = 0, .max = kMostDays});
  schema.Add("VORA_RETENTION_ID_DAYS", &retention_id_days,
             "For how many days after that their ids are known, so that a start that is repeated late starts nothing; 0: for ever",
             {.min = 0, .max = kMostDays});
  schema.Add(
      "VORA_RETENTION_EXPORT", &retention_export,
      "Folder that closed workflows are written to, one JSON file each, before they leave; empty: they are not written. One that cannot "
      "be written stays");
  schema.Add("VORA_SECOND_ATTEMPTS", &second_attempts,
             "Whether an idle worker begins the last chunks of a video a second time that a slow one is at; the first to end counts");
}

workflow::EngineHostOptions OrchestratorSettings::HostOptions() const {
  workflow::EngineHostOptions options;
  options.database_url = database_url;
  options.max_connections = static_cast<int>(connections);
  options.passes.lease_grace = lease_grace;
  options.sessions.lease_grace = lease_grace;
  options.engine.replay_cache_bytes = static_cast<size_t>(replay_cache_bytes);
  options.engine.second_attempts = second_attempts;
  options.engine.retention = {retention_days, retention_id_days, retention_export};
  return options;
}

}  // namespace vora::orchestrator
