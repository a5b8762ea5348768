#include "services/transcode-worker/worker_app.h"

#include <thread>

#include "libs/log/log.h"
#include "libs/storage/base/store_check.h"
#include "services/transcode-worker/activities/activities.h"
#include "services/transcode-worker/activities/sandbox_check.h"

namespace vora::transcode {
namespace {

void CheckRoot(storage::ObjectStore& store, std::string_view root, obs::Metrics& metrics) {
  const Status honoured = storage::CheckStore(store, root, metrics);
  if (honoured.code() == StatusCode::kFailedPrecondition) {
    log::Error("the object store does not honour conditional writes", {{"error", vora::Message(honoured)}});
  } else if (!honoured.ok()) {
    log::Warn("conditional writes could not be checked", {{"error", ToText(honoured)}});
  }
}

}  // namespace

StatusOr<std::shared_ptr<WorkerApp>> WorkerApp::Start(const WorkerSettings& settings, obs::Metrics& metrics) {
  auto app = std::make_shared<WorkerApp>();
  VORA_ASSIGN_OR_RETURN(app->raw_, settings.storage.Open(storage::Root::kRaw, metrics));
  app->processed_ = app->raw_;
  if (!settings.storage.OneStore()) {
    VORA_ASSIGN_OR_RETURN(app->processed_, settings.storage.Open(storage::Root::kProcessed, metrics));
  }
  // Imports write into the one, everything else into the other.
  CheckRoot(*app->processed_, "processed", metrics);
  if (app->raw_ != app->processed_) CheckRoot(*app->raw_, "raw", metrics);
  WorkerOptions options;
  options.memory_limit = settings.memory_limit;
  options.child_timeout = settings.child_timeout;
  options.cpu_limit = std::chrono::duration_cast<std::chrono::seconds>(settings.cpu_limit);
  options.strict_sandbox = settings.sandbox == "strict";
  options.source_limits = settings.SourceLimits();
  VORA_ASSIGN_OR_RETURN(app->sources_, sources::Sources::OpenFromEnvironment(settings.sources, metrics));
  app->context_ = std::make_unique<WorkerContext>(storage::Stores(*app->raw_, *app->processed_), app->sources_, metrics, options);
  VORA_RETURN_IF_ERROR(CheckSandbox(*app->context_));
  workflow::ActivityWorkerOptions worker;
  worker.orchestrator = settings.orchestrator;
  worker.queue = "transcode";
  worker.slots = settings.EffectiveSlots();
  worker.encode_speed = [context = app->context_.get()] { return context->speed().PerSecond(); };
  // While the store is away every attempt would be lost; what an answer says of rights is the activity's to report.
  worker.may_claim = [app = app.get()] { return !IsTransient(app->StoreHealth()); };
  app->worker_ = std::make_unique<workflow::ActivityWorker>(worker, metrics);
  RegisterActivities(*app->context_, *app->worker_);
  app->worker_->Start();
  if (settings.import_slots > 0) {
    worker.queue = kImportQueue;
    worker.slots = static_cast<int>(settings.import_slots);
    worker.encode_speed = {};
    app->import_context_ = std::make_unique<ImportContext>(
        ImportContext{*app->raw_, app->sources_, {.max_bytes = settings.import_max_bytes, .allow_private = settings.import_allow_private}});
    app->importer_ = std::make_unique<workflow::ActivityWorker>(worker, metrics);
    RegisterImports(*app->import_context_, *app->importer_);
    app->importer_->Start();
  }
  return app;
}

Status WorkerApp::StoreHealth() const {
  VORA_RETURN_IF_ERROR(processed_->Ping());
  return raw_ == processed_ ? Status() : raw_->Ping();
}

void WorkerApp::Stop(std::chrono::milliseconds budget) {
  // Both at the same time: the budget is the process's.
  std::thread imports([&] {
    if (importer_) importer_->Stop(budget);
  });
  worker_->Stop(budget);
  imports.join();
}

}  // namespace vora::transcode
