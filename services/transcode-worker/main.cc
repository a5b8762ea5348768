// vora-transcode-worker: works off the queue `transcode`. With `--child=ROLE` first it is one of its own children.

#include "libs/daemon/daemon.h"
#include "services/transcode-worker/child/child_main.h"
#include "services/transcode-worker/worker_app.h"

namespace vora::transcode {
namespace {

// With what follows (gRPC, admin) the process is gone within 5 s of SIGTERM: its work is back in the queue, after its checkpoint.
constexpr std::chrono::milliseconds kDrainBudget{4000};

Status SetUp(Daemon& daemon, const WorkerSettings& settings) {
  VORA_ASSIGN_OR_RETURN(const auto app, WorkerApp::Start(settings, daemon.metrics()));
  daemon.Keep(app);
  daemon.readiness().AddCheck("orchestrator", [app] { return app->OrchestratorHealth(); });
  daemon.readiness().AddCheck("storage", [app] { return app->StoreHealth(); });
  daemon.OnStop("activities", kDrainBudget, [app](std::chrono::milliseconds budget) { app->Stop(budget); });
  return {};
}

}  // namespace
}  // namespace vora::transcode

int main(int argc, char** argv) {
  if (vora::transcode::IsChildCommand(argc, argv)) return vora::transcode::ChildMain(argc, argv);
  vora::transcode::WorkerSettings settings;
  vora::DaemonSpec spec;
  spec.name = "vora-transcode-worker";
  spec.summary = "Probes, encodes and publishes videos";
  spec.guarded = false;
  spec.default_grpc = "127.0.0.1:9086";
  spec.default_admin = "127.0.0.1:9186";
  spec.declare = [&](vora::SettingsSchema& schema) { settings.Declare(schema); };
  spec.setup = [&](vora::Daemon& daemon) { return vora::transcode::SetUp(daemon, settings); };
  return vora::RunDaemon(argc, argv, spec);
}
