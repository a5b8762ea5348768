#pragma once

// The side of an activity worker: polls queues, keeps its lease by reports, hands results in, hands tasks back on drain.
// Used by the transcode worker and by metadata. Talks to ActivityService over gRPC; reconnects by itself.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::workflow {

enum class StopCause {
  kNone,
  kCancelRequested,  // the workflow does not want the result any more
  kLeaseLost,        // the token is stale, or no report was answered for heartbeat_timeout: another worker may have the task
  kDraining,         // this process is going down, or the workflow is paused: release with a checkpoint soon
};

// One claimed task. Thread-safe. Exactly one of Complete, Fail, Cancel, Release ends it; a later one is ignored. Destroying it
// without any reports failure `worker.abandoned` (retryable).
class ActivityExecution {
 public:
  virtual ~ActivityExecution() = default;
  virtual const v1::ActivityTask& task() const = 0;
  // Remembers progress (0 to 1) and checkpoint (JSON); the worker's reports carry them, more than once a second, soon after the checkpoint
  // has changed.
  virtual void Heartbeat(double progress, std::string checkpoint) = 0;
  virtual StopCause stop_cause() const = 0;
  bool stopping() const { return stop_cause() != StopCause::kNone; }
  // These retry until the orchestrator has taken the report, the lease is lost, or the process drains for too long.
  virtual void Complete(std::string result_json) = 0;
  virtual void Fail(v1::Failure failure) = 0;
  virtual void Cancel() = 0;                         // answers kCancelRequested
  virtual void Release(std::string checkpoint) = 0;  // answers kDraining
};

struct ActivityOutcome {
  // OK with the result as JSON, or a failure.
  static ActivityOutcome Ok(std::string result_json);
  static ActivityOutcome Failed(std::string code, std::string message, bool non_retryable = false, std::string details = {});
  // Transient statuses are retryable, code `prefix.unavailable` and so on; INVALID_ARGUMENT, NOT_FOUND, FAILED_PRECONDITION are not.
  static ActivityOutcome FromStatus(const Status& status, const std::string& code_prefix);
  bool ok = false;
  std::string result;
  v1::Failure failure;
};

// Runs on one of the queue's slot threads. Returning ends the task: Ok -> Complete, else Fail; when the task was asked to stop: Cancel or
// Release.
using ActivityHandler = std::function<ActivityOutcome(ActivityExecution&)>;
// For groups: the items of one task, or a task without items alone. Must end each one itself.
using ActivityGroupHandler = std::function<void(std::vector<std::shared_ptr<ActivityExecution>>)>;

struct ActivityWorkerOptions {
  std::string orchestrator;  // host:port
  std::string queue;
  std::string worker_id;  // empty: host, pid and a random part, divided by '/'
  int slots = 1;          // tasks at the same time
  // For operators: output media seconds per wall second over the last minute. Called from a thread of the worker; empty: 0.
  std::function<double()> encode_speed = {};
  // Asked before tasks are claimed: while it says no, what could only fail here stays in the queue, with all its attempts. Called from a
  // thread of the worker, may take a few seconds; empty: yes.
  std::function<bool()> may_claim = {};
};

class ActivityWorker {
 public:
  ActivityWorker(ActivityWorkerOptions options, obs::Metrics& metrics);
  ~ActivityWorker();  // Stop
  void Handle(std::string activity_type, ActivityHandler handler);
  void HandleGroup(std::string activity_type, ActivityGroupHandler handler);
  void Start();
  // Stops polling, sets kDraining on what runs, waits up to `budget`, then releases what is left and says that it leaves, so that no task
  // waits for a lease to end. Safe to call twice.
  void Stop(std::chrono::milliseconds budget);
  // OK while the orchestrator answered within the last 15 s.
  Status Health() const;
  int running() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::workflow
