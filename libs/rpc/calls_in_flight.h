#pragma once

// How many calls a server is working on. Thread-safe.

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace vora::rpc {

class CallsInFlight {
 public:
  void Enter();
  void Leave();
  // False when there are calls left at `deadline`.
  bool WaitUntilNone(std::chrono::steady_clock::time_point deadline);

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

}  // namespace vora::rpc
