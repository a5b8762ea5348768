#pragma once

// The durable workflow engine over PostgreSQL. Every change is one transaction; nothing lives in memory only, so any number of engines may
// work on one database and any of them may vanish at any time. Thread-safe. Needs the schema of migrations.h.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/workflow/definition/context.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::pg {
class Database;
}

namespace vora::workflow {

// Where the engine says that something can go on. Called after the commit; must not block.
class WakeSink {
 public:
  virtual ~WakeSink() = default;
  virtual void QueueReady(const std::string& queue) = 0;
  virtual void QueueReadyAfter(const std::string& queue, std::chrono::microseconds delay) = 0;
  virtual void RunClosed(const std::string& run_id) = 0;
};

struct EngineOptions {
  size_t cached_runs = 1000;
};

class Engine {
 public:
  // All must outlive it.
  Engine(pg::Database& db, const Registry& registry, WakeSink& wake, obs::Metrics& metrics, EngineOptions options = {});
  ~Engine();

  // Workflows (see WorkflowService in workflow.proto).
  StatusOr<v1::StartWorkflowResponse> Start(const v1::StartWorkflowRequest& request);
  Status Signal(const v1::SignalWorkflowRequest& request);
  Status Cancel(const v1::CancelWorkflowRequest& request);
  Status Terminate(const v1::TerminateWorkflowRequest& request);
  StatusOr<v1::DescribeWorkflowResponse> Describe(const v1::DescribeWorkflowRequest& request);
  StatusOr<v1::ListWorkflowsResponse> List(const v1::ListWorkflowsRequest& request);
  StatusOr<v1::GetHistoryResponse> GetHistory(const v1::GetHistoryRequest& request);

  // Activities (see ActivityService). ABORTED: the token is stale.
  StatusOr<std::vector<v1::ActivityTask>> Claim(const v1::PollActivitiesRequest& request);  // does not wait
  StatusOr<bool> Heartbeat(const v1::HeartbeatActivityRequest& request);                    // true: cancel requested
  Status Complete(const v1::CompleteActivityRequest& request);
  StatusOr<bool> Fail(const v1::FailActivityRequest& request);  // true: will be tried again
  Status Release(const v1::ReleaseActivityRequest& request);

  // For operators.
  // One that leaves gives up what it still holds: those tasks are ready again at once, and the attempt is not counted.
  Status ReportWorker(const v1::ReportWorkerRequest& request);
  StatusOr<v1::DescribeQueuesResponse> DescribeQueues();

  // One pass over everything that is due: timeouts, timers, expired runs. `expire_leases` false spares attempts whose heartbeats are
  // missing (after an outage of our own, workers need a moment to reach us). Gives how many it handled.
  StatusOr<int> Sweep(bool expire_leases);
  // Tries parked runs again: with code that agrees with their history they go on. Gives how many did.
  StatusOr<int> RetryParked();
  // Sets the gauges of queue depth, cost and age.
  Status UpdateQueueMetrics();

 private:
  Status Forget(const std::string& worker_id);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::workflow
