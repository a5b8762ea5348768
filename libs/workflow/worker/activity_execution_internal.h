#pragma once

// One claimed task as the worker holds it: what the handler reports, and what the heartbeat thread has told the orchestrator.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/obs/trace.h"
#include "libs/workflow/worker/activity_worker.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {

using SteadyTime = std::chrono::steady_clock::time_point;

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
  using Stub = v1::ActivityService::StubInterface;
  using Ended = std::function<void(const std::string& type, const std::string& result)>;
  ClaimedTask(std::shared_ptr<Stub> stub, v1::ActivityTask task, std::shared_ptr<DrainState> drain, Ended ended);

  const v1::ActivityTask& task() const { return task_; }
  // Of the attempt: its span reaches from the claim to the end of the report.
  const obs::TraceContext& trace() const { return trace_; }
  void Remember(double progress, std::string checkpoint);
  StopCause stop_cause() const;
  bool ended() const { return ended_; }

  void Complete(std::string result);
  void Fail(v1::Failure failure);
  void Cancel();
  // An empty checkpoint stands for the last one remembered.
  void Release(std::string checkpoint);

  // True when the next heartbeat should go out now.
  bool HeartbeatDue(SteadyTime now) const;
  // Sends one; false when the orchestrator could not be reached. Sets the stop cause from the answer.
  bool SendHeartbeat();

 private:
  bool Claim();  // true for the first of Complete, Fail, Cancel, Release
  void End(const char* result);
  void RecordSpan(const std::string& result) const;
  // Repeats `call` until it is OK, INVALID_ARGUMENT or a stale token, which is taken as the end.
  Status Report(const char* what, const std::function<Status()>& call);
  Status CallFail(const v1::Failure& failure, bool canceled);
  std::chrono::milliseconds HeartbeatInterval() const;
  std::chrono::milliseconds CallTimeout() const;

  const std::shared_ptr<Stub> stub_;
  const v1::ActivityTask task_;
  const obs::TraceContext trace_;
  const SystemTime claimed_at_ = std::chrono::system_clock::now();
  const std::shared_ptr<DrainState> drain_;
  const Ended ended_callback_;
  std::atomic<bool> ended_{false};     // a report has begun
  std::atomic<bool> reported_{false};  // and is over
  std::atomic<bool> cancel_requested_{false};
  std::atomic<bool> lease_lost_{false};
  mutable std::mutex mutex_;
  double progress_ = 0, sent_progress_ = 0;
  std::string checkpoint_, sent_checkpoint_;
  SteadyTime last_sent_;
};

}  // namespace vora::workflow
