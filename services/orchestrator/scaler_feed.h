#pragma once

// Looks at the queues for those who want to know when one gets work or runs empty. One owned thread; the queues are read only while
// somebody listens. Thread-safe.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "libs/core/status.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::orchestrator {

using ReadQueues = std::function<StatusOr<workflow::v1::DescribeQueuesResponse>()>;

class ScalerFeed {
 public:
  // `changed` is called from the feed's thread: whether there is work, at once and at every change, or why there is no answer any more
  // (the last call). It must not block.
  using Changed = std::function<void(const StatusOr<bool>& active)>;
  struct Listener;

  ScalerFeed(ReadQueues read, std::chrono::milliseconds interval);
  ~ScalerFeed();  // Stop

  std::shared_ptr<Listener> Listen(std::string queue, Changed changed);
  // A call that is under way may still end after it.
  void Forget(const std::shared_ptr<Listener>& listener);
  // Tells all listeners UNAVAILABLE. Safe to call twice.
  void Stop();

 private:
  void Run();
  void Look(std::unique_lock<std::mutex>& lock);

  const ReadQueues read_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::list<std::shared_ptr<Listener>> listeners_;
  bool fresh_ = false;  // somebody has not been told anything yet
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace vora::orchestrator
