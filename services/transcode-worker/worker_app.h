#pragma once

// All parts of the worker: the store, what activities share, and who claims them.

#include <chrono>
#include <memory>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/storage/base/object_store.h"
#include "libs/workflow/worker/activity_worker.h"
#include "services/transcode-worker/activities/worker_context.h"
#include "services/transcode-worker/imports/import_activities.h"
#include "services/transcode-worker/worker_settings.h"

namespace vora::transcode {

class WorkerApp {
 public:
  // Fails when the store's address is wrong or the sandbox does not hold; a store or an orchestrator that is away is waited for.
  static StatusOr<std::shared_ptr<WorkerApp>> Start(const WorkerSettings& settings, obs::Metrics& metrics);
  Status OrchestratorHealth() const { return worker_->Health(); }
  Status StoreHealth() const;
  // Hands back what it has not finished.
  void Stop(std::chrono::milliseconds budget);

 private:
  std::shared_ptr<storage::ObjectStore> raw_, processed_;
  sources::Sources sources_;
  std::unique_ptr<WorkerContext> context_;
  std::unique_ptr<ImportContext> import_context_;
  std::unique_ptr<workflow::ActivityWorker> worker_;
  std::unique_ptr<workflow::ActivityWorker> importer_;  // null: this worker imports nothing
};

}  // namespace vora::transcode
