#pragma once

// Calls that wait for a run to close, without a thread each.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "libs/workflow/engine/engine.h"

namespace vora::workflow {

class ResultWaiters {
 public:
  using Done = std::function<void(Status, v1::WorkflowInfo)>;
  struct Waiter;

  explicit ResultWaiters(Engine& engine);
  ~ResultWaiters();  // Stop

  // `done` is called exactly once, from the waiters' thread: when the run is closed, or when `wait` is over (then it is still RUNNING).
  std::shared_ptr<Waiter> Add(const std::string& workflow_id, const std::string& run_id, std::chrono::milliseconds wait, Done done);
  void Cancel(const std::shared_ptr<Waiter>& waiter);  // `done` gets CANCELLED soon
  // Empty id: any. `run` is nullptr where it is not known how it ended.
  void RunClosed(const std::string& run_id, const v1::WorkflowInfo* run);
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::workflow
