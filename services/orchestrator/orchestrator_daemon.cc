#include "services/orchestrator/orchestrator_daemon.h"

#include <memory>
#include <string>

#include "libs/core/retry.h"
#include "libs/daemon/daemon.h"
#include "libs/daemon/doors.h"
#include "libs/log/log.h"
#include "libs/workflow/service/engine_host.h"
#include "services/orchestrator/scaler_service.h"
#include "services/orchestrator/workflows/workflows.h"

namespace vora::orchestrator {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kStopBudget{5000};
// About half a minute: a database that is started at the same time is there by then.
constexpr RetryOptions kStartRetry{.max_attempts = 30, .initial = milliseconds{100}, .max = milliseconds{1000}, .multiplier = 2.0};

struct Settings {
  std::string database_url;
  int64_t connections = 16;
  milliseconds lease_grace{5000};

  void Declare(SettingsSchema& schema) {
    schema.Add("VORA_DATABASE_URL", &database_url, "PostgreSQL, as postgresql://user:password@host:port/dbname",
               {.secret = true, .required = true});
    schema.Add("VORA_DATABASE_CONNECTIONS", &connections, "The most connections to PostgreSQL at a time", {.min = 4, .max = 200});
    schema.Add("VORA_LEASE_GRACE", &lease_grace,
               "How long after a start or an outage of PostgreSQL a worker's missing heartbeats are not counted, so that it can find its "
               "way back",
               {.min = 0, .max = 60'000});
  }
};

Status Setup(const Settings& settings, Daemon& daemon) {
  workflow::EngineHostOptions options;
  options.database_url = settings.database_url;
  options.max_connections = static_cast<int>(settings.connections);
  options.sweeper.lease_grace = settings.lease_grace;
  options.gate = Doors(daemon.authenticator()).gate;
  std::shared_ptr<workflow::EngineHost> host;
  bool told = false;
  VORA_RETURN_IF_ERROR(RetryIdempotent(kStartRetry, [&]() -> Status {
    auto started = workflow::EngineHost::Start(options, workflows::AllWorkflows(), daemon.metrics());
    if (!started.ok()) {
      if (!std::exchange(told, true)) log::Warn("waiting for the database", {{"error", ToText(started.status())}});
      return started.status();
    }
    host = std::move(started).value();
    return {};
  }));
  daemon.AddService(host->workflow_service());
  daemon.AddService(host->activity_service());
  const auto scaler = std::make_shared<Scaler>([host] { return host->engine().DescribeQueues(); }, Doors(daemon.authenticator()).gate);
  daemon.AddService(scaler->service());
  daemon.readiness().AddCheck("database", [host] { return host->Ping(); });
  daemon.OnStop("workflow engine", kStopBudget, [host](milliseconds) { host->Stop(); });
  daemon.OnStop("scaler", kStopBudget, [scaler](milliseconds) { scaler->Stop(); });
  daemon.Keep(host);
  daemon.Keep(scaler);
  return {};
}

}  // namespace

int RunOrchestrator(int argc, char** argv) {
  Settings settings;
  DaemonSpec spec;
  spec.name = "vora-orchestrator";
  spec.summary = "Durable workflow engine: keeps every workflow's history in PostgreSQL and hands activities to workers.";
  spec.default_grpc = "127.0.0.1:9085";
  spec.default_admin = "127.0.0.1:9185";
  spec.declare = [&](SettingsSchema& schema) { settings.Declare(schema); };
  spec.setup = [&](Daemon& daemon) { return Setup(settings, daemon); };
  spec.commands.push_back(
      MigrateCommand("PostgreSQL", [&](obs::Metrics& metrics) { return workflow::EngineHost::Migrate(settings.database_url, metrics); }));
  return RunDaemon(argc, argv, spec);
}

}  // namespace vora::orchestrator
