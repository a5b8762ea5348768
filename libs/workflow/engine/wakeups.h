#pragma once

// Wake-ups: at once in this process; to other replicas by NOTIFY on channel `vora_workflow`, coalesced (at most one statement per 20 ms,
// outside transitions, since a NOTIFY in every transaction serialises commits), and only while another replica has shown itself: each says
// now and then that it is there, and at once to one that is new. Hints only: whoever waits polls as well.

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "libs/workflow/engine/engine.h"

namespace vora::workflow {

class Wakeups : public WakeSink {
 public:
  struct Receiver {
    std::function<void(const std::string& queue)> queue_ready;  // empty name: any queue
    // `run` is nullptr where it closed on another replica. Empty id: any run.
    std::function<void(const std::string& run_id, const v1::WorkflowInfo* run)> run_closed;
    std::function<void(std::chrono::microseconds delay)> due_after;
    std::function<void()> work_began;
    std::function<void(const std::string&worker_id, const std::string&task_token)> cancel_requested, release_requested;
  };
  // `url` empty: this process only.
  Wakeups(pg::Database& db, std::string url);
  ~Wakeups() override;  // Stop
  // Set before Start. Called from several threads; must not block.
  void SetReceiver(Receiver receiver);
  void Start();
  void Stop();

  void QueueReady(const std::string& queue) override;
  void DueAfter(std::chrono::microseconds delay) override;
  void RunClosed(const v1::WorkflowInfo& run) override;
  void WorkBegan() override;
  void CancelRequested(const std::string& worker_id, const std::string& task_token) override;
  void ReleaseRequested(const std::string& worker_id, const std::string& task_token) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::workflow
