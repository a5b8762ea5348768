#pragma once

// One claimed task as the worker holds it: what the handler says, and what the orchestrator has been told.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/obs/trace.h"
#include "libs/workflow/worker/activity_worker.h"
#include "libs/workflow/worker/orchestrator_link_internal.h"
#include "libs/workflow/worker/report_stream_internal.h"
#include "libs/workflow/worker/worker_lease_internal.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {

// Set once when the worker goes down; shared by all executions.
struct DrainState {
  std::atomic<bool> draining{false};
  std::atomic<bool> give_up{false};  // the budget is used up: reports are not retried any more
  std::mutex mutex;
  std::condition_variable changed;
  void Wait(std::chrono::milliseconds at_most);
};

class ClaimedTask {
 public:
  using Ended = std::function<void(const std::string& type, const std::string& result)>;
  // `link`, `reports` and `lease` must outlive it.
  ClaimedTask(const OrchestratorLink& link, ReportStream& reports, WorkerLease& lease, v1::ActivityTask task,
              std::shared_ptr<DrainState> drain, Ended ended);

  const v1::ActivityTask& task() const { return task_; }
  // Of the attempt: its span reaches from the claim to the end of the report.
  const obs::TraceContext& trace() const { return trace_; }
  void Remember(double progress, std::string checkpoint, std::vector<v1::ItemProgress> items = {});
  StopCause stop_cause() const;
  bool ended() const { return ended_; }

  // With `next` the worker takes another task with the answer; nothing: there is none.
  std::optional<v1::ActivityTask> Complete(std::string result, std::optional<v1::PollActivitiesRequest> next = {});
  // Of a group: items that are done while others go on. Tried once.
  Status TellItems(const std::vector<v1::ItemOutcome>& outcomes) const;
  // Of a group: in place of the result.
  void CompleteItems(const std::vector<v1::ItemOutcome>& outcomes, std::string checkpoint);
  void Fail(v1::Failure failure);
  void Cancel();
  // An empty checkpoint stands for the last one remembered.
  void Release(std::string checkpoint);

  // Held until its report is over; nothing to name after that. A checkpoint of more than `room` bytes waits for the next report.
  void AddTo(v1::RenewWorkerRequest& report, size_t& room) const;
  // The orchestrator has stored this checkpoint.
  void Stored(const std::string& checkpoint);
  void RequestCancel() { cancel_requested_ = true; }
  void RequestRelease() { release_requested_ = true; }
  // The token is stale.
  void Lose();

 private:
  bool Claim();  // true for the first of Complete, Fail, Cancel, Release
  void End(const char* result);
  void RecordSpan(const std::string& result) const;
  // Repeats `call` until it is OK, INVALID_ARGUMENT or a stale token, which is taken as the end.
  Status Report(const char* what, const std::function<Status()>& call);
  StatusOr<v1::CompleteActivityResponse> CallComplete(v1::CompleteActivityRequest request);
  Status CallFail(const v1::Failure& failure, bool canceled);
  std::chrono::milliseconds CallTimeout() const;

  const OrchestratorLink& link_;
  ReportStream& reports_;
  WorkerLease& lease_;
  const v1::ActivityTask task_;
  const obs::TraceContext trace_;
  const SystemTime claimed_at_ = std::chrono::system_clock::now();
  const std::shared_ptr<DrainState> drain_;
  const Ended ended_callback_;
  std::atomic<bool> ended_{false};     // a report has begun
  std::atomic<bool> reported_{false};  // and is over
  std::atomic<bool> cancel_requested_{false}, release_requested_{false};
  mutable std::atomic<bool> lease_lost_{false};
  const SteadyTime claimed_steady_ = std::chrono::steady_clock::now();
  const std::chrono::milliseconds heartbeat_timeout_;  // 0: none
  mutable std::mutex mutex_;
  double progress_ = 0;
  std::vector<v1::ItemProgress> items_;
  std::string checkpoint_, stored_checkpoint_;
};

// As orchestrator and database take them: texts of outside programs (the tail of a child's stderr) may be anything.
v1::Failure Presentable(v1::Failure failure);
// The handler dropped the task without a report.
v1::Failure AbandonedFailure();

}  // namespace vora::workflow
