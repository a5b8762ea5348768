#pragma once

// Watches over a shutdown from a thread of its own: says which part is late, and ends the process when all hope is gone.

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace vora::daemon_internal {

class DrainWatch {
 public:
  using TimePoint = std::chrono::steady_clock::time_point;

  // After `hard_limit`, or on a second SIGINT, the process exits with code 1 at once.
  explicit DrainWatch(TimePoint hard_limit);
  ~DrainWatch();
  DrainWatch(const DrainWatch&) = delete;
  DrainWatch& operator=(const DrainWatch&) = delete;

  // The part that is being stopped now, and when it should have ended; logged once when it has not.
  void Enter(std::string part, TimePoint due);

 private:
  void Run();

  const TimePoint hard_limit_;
  std::mutex mutex_;
  bool done_ = false;
  bool reported_ = true;
  std::string part_;
  TimePoint due_;
  std::thread thread_;
};

}  // namespace vora::daemon_internal
