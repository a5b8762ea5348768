#include "libs/rpc/calls_in_flight.h"

namespace vora::rpc {

void CallsInFlight::Enter() {
  const std::lock_guard lock(mutex_);
  ++count_;
}

void CallsInFlight::Leave() {
  const std::lock_guard lock(mutex_);
  --count_;
  changed_.notify_all();
}

bool CallsInFlight::WaitUntilNone(std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [this] { return count_ == 0; });
}

}  // namespace vora::rpc
