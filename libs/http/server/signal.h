#pragma once

// A one-shot event that coroutines of any executor wait for without holding a thread. Thread-safe.

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include <boost/asio/awaitable.hpp>

namespace vora::http {

class Signal {
 public:
  Signal();
  ~Signal();
  // Wakes all who wait now or later. The waiters' io_context must still exist, running or not.
  void Fire();
  // False when it has not been fired by `deadline`.
  boost::asio::awaitable<bool> Wait(std::optional<std::chrono::steady_clock::time_point> deadline = std::nullopt);

 private:
  struct Waiter;
  std::mutex mutex_;
  bool fired_ = false;
  std::vector<std::shared_ptr<Waiter>> waiters_;
};

}  // namespace vora::http
