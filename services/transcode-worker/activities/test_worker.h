#pragma once

// For tests: activities as the orchestrator would hand them out, recorded instead of reported.

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "libs/workflow/definition/payload.h"
#include "libs/workflow/worker/activity_worker.h"
#include "services/transcode-worker/activities/worker_context.h"

namespace vora::transcode {

// Records how an activity ended.
class RecordedExecution : public workflow::ActivityExecution {
 public:
  RecordedExecution(const std::string& type, const std::string& id, const google::protobuf::Message& input, std::string checkpoint = {},
                    const std::string& item = {}) {
    task_.set_activity_type(type);
    task_.set_activity_id(id);
    task_.set_input(workflow::ToPayload(input));
    task_.set_checkpoint(std::move(checkpoint));
    task_.set_attempt(1);
    if (!item.empty()) task_.add_items()->set_name(item);
  }
  const workflow::v1::ActivityTask& task() const override { return task_; }
  void Heartbeat(double progress, std::string checkpoint) override {
    std::lock_guard lock(mutex_);
    progress_ = progress;
    checkpoint_ = std::move(checkpoint);
    changed_.notify_all();
  }
  workflow::StopCause stop_cause() const override {
    std::lock_guard lock(mutex_);
    return cause_;
  }
  void Complete(std::string result) override { End("completed", std::move(result)); }
  void Fail(workflow::v1::Failure failure) override {
    {
      std::lock_guard lock(mutex_);
      if (ended_.empty()) failure_ = failure;
    }
    End("failed", {});
  }
  void Cancel() override { End("cancelled", {}); }
  void Release(std::string checkpoint) override { End("released", std::move(checkpoint)); }

  void AskToStop(workflow::StopCause cause) {
    std::lock_guard lock(mutex_);
    cause_ = cause;
  }
  // completed, failed, cancelled, released; empty while it runs.
  std::string ended() const { return Locked(ended_); }
  std::string result() const { return Locked(result_); }
  std::string checkpoint() const { return Locked(checkpoint_); }
  workflow::v1::Failure failure() const {
    std::lock_guard lock(mutex_);
    return failure_;
  }
  int reports() const {
    std::lock_guard lock(mutex_);
    return reports_;
  }
  // Blocks until progress and checkpoint satisfy `wanted`, or the activity has ended, or 30 s are over (false).
  bool WaitFor(const std::function<bool(double progress, const std::string& checkpoint)>& wanted) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return !ended_.empty() || wanted(progress_, checkpoint_); }) &&
           ended_.empty();
  }

 private:
  std::string Locked(const std::string& text) const {
    std::lock_guard lock(mutex_);
    return text;
  }
  void End(const std::string& how, std::string result) {
    std::lock_guard lock(mutex_);
    ++reports_;
    if (!ended_.empty()) return;
    ended_ = how;
    result_ = std::move(result);
    changed_.notify_all();
  }
  workflow::v1::ActivityTask task_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::string ended_, result_, checkpoint_;
  workflow::v1::Failure failure_;
  workflow::StopCause cause_ = workflow::StopCause::kNone;
  double progress_ = 0;
  int reports_ = 0;
};

// The worker program, which lies beside the test program.
std::string WorkerProgram();
// Pids of children whose command line holds every one of `words`.
std::vector<int> FindChildren(const std::vector<std::string>& words);

}  // namespace vora::transcode
