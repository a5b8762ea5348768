// vora-orchestrator: the workflow engine over PostgreSQL with Vora's workflows.

#include "libs/daemon/authorization.h"
#include "libs/daemon/daemon.h"
#include "services/orchestrator/orchestrator_app.h"
#include "services/orchestrator/workflows/workflows.h"

namespace vora::orchestrator {
namespace {

constexpr std::chrono::milliseconds kStopBudget{5000};

Status SetUp(Daemon& daemon, const OrchestratorSettings& settings) {
  VORA_ASSIGN_OR_RETURN(const auto app, OrchestratorApp::Start(settings, Authorization(daemon.authenticator()).rpc, daemon.metrics()));
  daemon.Keep(app);
  for (grpc::Service* service : app->services()) daemon.AddService(service);
  daemon.readiness().AddCheck("database", [app] { return app->Ready(); });
  daemon.OnStop("workflow engine", kStopBudget, [app](std::chrono::milliseconds) { app->StopEngine(); });
  daemon.OnStop("scaler", kStopBudget, [app](std::chrono::milliseconds) { app->StopScaler(); });
  return {};
}

}  // namespace
}  // namespace vora::orchestrator

int main(int argc, char** argv) {
  vora::orchestrator::OrchestratorSettings settings;
  vora::DaemonSpec spec;
  spec.name = "vora-orchestrator";
  spec.summary = "Durable workflow engine: keeps every workflow's history in PostgreSQL and hands activities to workers.";
  spec.default_grpc = "127.0.0.1:9085";
  spec.default_admin = "127.0.0.1:9185";
  // Each waits for the commit that it shares with others, so many cost little.
  spec.grpc_threads = 96;
  spec.declare = [&](vora::SettingsSchema& schema) { settings.Declare(schema); };
  spec.setup = [&](vora::Daemon& daemon) { return vora::orchestrator::SetUp(daemon, settings); };
  spec.commands.push_back(vora::MigrateCommand(
      "PostgreSQL", [&](vora::obs::Metrics& metrics) { return vora::workflow::EngineHost::Migrate(settings.database_url, metrics); }));
  spec.commands.push_back(
      {"--check-replay", "replay every open workflow with this program, changing nothing; exit code 1 when one would be parked",
       [&](vora::obs::Metrics& metrics) {
         return vora::workflow::EngineHost::CheckReplay(settings.database_url, vora::workflows::AllWorkflows(), metrics);
       }});
  return vora::RunDaemon(argc, argv, spec);
}
