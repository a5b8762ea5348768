#pragma once

// Looks at the queues for those who want to know when one gets work or runs empty. One owned thread; the queues are read only while
// somebody listens. Thread-safe.

#include <chrono>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "libs/core/status.h"
#include "libs/run/periodic.h"
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
  // The pause until the next look.
  std::chrono::milliseconds Look();

  const ReadQueues read_;
  const std::chrono::milliseconds interval_;
  std::mutex mutex_;
  std::list<std::shared_ptr<Listener>> listeners_;
  bool stopping_ = false;
  Periodic thread_{"scaler-feed", [this] { return Look(); }};
};

}  // namespace vora::orchestrator
