// vora-transcode-worker: works off the queue `transcode`. With `--child=ROLE` first it is one of its own children.

#include <memory>

#include "libs/daemon/daemon.h"
#include "libs/log/log.h"
#include "libs/storage/base/object_store.h"
#include "libs/storage/open_store.h"
#include "libs/workflow/worker/activity_worker.h"
#include "services/transcode-worker/activities/activities.h"
#include "services/transcode-worker/activities/sandbox_check.h"
#include "services/transcode-worker/child/child_main.h"
#include "services/transcode-worker/worker_settings.h"

namespace vora::transcode {
namespace {

constexpr int kMaxSiblings = 8;
// With what follows (gRPC, admin) the process is gone within 5 s of SIGTERM: its work is back in the queue, behind its checkpoint.
constexpr std::chrono::milliseconds kDrainBudget{4000};

struct Parts {
  std::unique_ptr<storage::ObjectStore> store;
  std::unique_ptr<WorkerContext> context;
  std::unique_ptr<workflow::ActivityWorker> worker;
};

Status Setup(Daemon& daemon, const WorkerSettings& settings) {
  auto parts = std::make_shared<Parts>();
  VORA_ASSIGN_OR_RETURN(parts->store, storage::OpenObjectStore(settings.storage, daemon.metrics()));
  if (const Status honoured = storage::CheckConditionalPut(*parts->store); honoured.code() == StatusCode::kFailedPrecondition) {
    log::Error("the object store does not honour conditional writes", {{"error", vora::Message(honoured)}});
  } else if (!honoured.ok()) {
    log::Warn("conditional writes could not be checked", {{"error", ToText(honoured)}});
  }
  WorkerOptions options;
  options.memory_limit = settings.memory_limit;
  options.child_timeout = settings.child_timeout;
  options.cpu_limit = std::chrono::duration_cast<std::chrono::seconds>(settings.cpu_limit);
  options.strict_sandbox = settings.sandbox == "strict";
  options.source_limits = settings.SourceLimits();
  parts->context = std::make_unique<WorkerContext>(*parts->store, daemon.metrics(), options);
  VORA_RETURN_IF_ERROR(CheckSandbox(*parts->context));
  workflow::ActivityWorkerOptions worker;
  worker.orchestrator = settings.orchestrator;
  worker.queue = "transcode";
  worker.slots = settings.EffectiveSlots();
  worker.max_siblings = kMaxSiblings;
  worker.encode_speed = [context = parts->context.get()] { return context->speed().PerSecond(); };
  // While the store is away every attempt would be lost; what an answer says of rights is the activity's to report.
  worker.may_claim = [store = parts->store.get()] { return !IsTransient(store->Ping()); };
  parts->worker = std::make_unique<workflow::ActivityWorker>(worker, daemon.metrics());
  RegisterActivities(*parts->context, *parts->worker);
  daemon.readiness().AddCheck("orchestrator", [w = parts->worker.get()] { return w->Health(); });
  daemon.readiness().AddCheck("storage", [s = parts->store.get()] { return s->Ping(); });
  daemon.OnStop("activities", kDrainBudget, [w = parts->worker.get()](std::chrono::milliseconds budget) { w->Stop(budget); });
  parts->worker->Start();
  daemon.Keep(parts);
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
  spec.setup = [&](vora::Daemon& daemon) { return vora::transcode::Setup(daemon, settings); };
  return vora::RunDaemon(argc, argv, spec);
}
