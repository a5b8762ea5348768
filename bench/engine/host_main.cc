// vora-bench-engine-host: the workflow engine as vora-orchestrator runs it (the same settings, services and defaults), but for the scaler,
// and with workflows of its own: `Chain` runs {"activities": N} activities `bench.Nothing` of queue `bench` one after the other, `Sleeper`
// sleeps for {"ms": N}.

#include <nlohmann/json.hpp>

#include "libs/daemon/authorization.h"
#include "libs/daemon/daemon.h"
#include "libs/workflow/service/engine_host.h"
#include "services/orchestrator/orchestrator_settings.h"

namespace vora::bench {
namespace {

using namespace workflow;

constexpr std::chrono::milliseconds kStopBudget{5000};

Task<WorkflowResult> Chain(WorkflowContext ctx, std::string input) {
  const int count = nlohmann::json::parse(input).at("activities").get<int>();
  v1::ActivityOptions options;
  options.set_queue("bench");
  options.mutable_heartbeat_timeout()->set_seconds(10);
  options.mutable_start_to_close_timeout()->set_seconds(60);
  for (int i = 0; i < count; ++i) {
    const auto ended = co_await ctx.Activity("bench.Nothing", std::to_string(i), "{}", options);
    if (!ended.ok) co_return WorkflowResult::Failed(ended.failure);
  }
  co_return WorkflowResult::Completed("{}");
}

Task<WorkflowResult> Sleeper(WorkflowContext ctx, std::string input) {
  co_await ctx.Timer(std::chrono::milliseconds(nlohmann::json::parse(input).at("ms").get<int64_t>()), "sleep");
  co_return WorkflowResult::Completed("{}");
}

Status SetUp(Daemon& daemon, const orchestrator::OrchestratorSettings& settings) {
  EngineHostOptions options = settings.HostOptions();
  options.authorizer = Authorization(daemon.authenticator()).rpc;
  Registry registry;
  registry.Add("Chain", &Chain);
  registry.Add("Sleeper", &Sleeper);
  VORA_ASSIGN_OR_RETURN(std::shared_ptr<EngineHost> host, EngineHost::Start(options, std::move(registry), daemon.metrics()));
  daemon.Keep(host);
  daemon.AddService(host->workflow_service());
  daemon.AddService(host->activity_service());
  daemon.readiness().AddCheck("database", [host] { return host->Ping(); });
  daemon.OnStop("workflow engine", kStopBudget, [host](std::chrono::milliseconds) { host->Stop(); });
  return {};
}

}  // namespace
}  // namespace vora::bench

int main(int argc, char** argv) {
  vora::orchestrator::OrchestratorSettings settings;
  vora::DaemonSpec spec;
  spec.name = "vora-bench-engine-host";
  spec.summary = "The workflow engine with a chain of activities that do nothing, to be measured.";
  spec.default_grpc = "127.0.0.1:9085";
  spec.default_admin = "127.0.0.1:9185";
  spec.grpc_threads = 96;  // as the orchestrator's
  spec.declare = [&](vora::SettingsSchema& schema) { settings.Declare(schema); };
  spec.setup = [&](vora::Daemon& daemon) { return vora::bench::SetUp(daemon, settings); };
  return vora::RunDaemon(argc, argv, spec);
}
