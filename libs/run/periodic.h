#pragma once

// One owned thread that does a step again and again: woken, or after the pause the step asks for. Thread-safe.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace vora {

class Periodic {
 public:
  // `step` returns how long to wait before the next one; zero: go on at once. `name` shows in `top -H` (15 characters).
  Periodic(std::string name, std::function<std::chrono::milliseconds()> step);
  ~Periodic();  // Stop
  Periodic(const Periodic&) = delete;
  Periodic& operator=(const Periodic&) = delete;

  // The first step comes after `pause`.
  void Start(std::chrono::milliseconds pause = {});
  // Ends the present pause, or the next one.
  void Wake();
  // Joins after the step in progress. Safe to call twice.
  void Stop();
  // For a step that takes long: whether it should end early.
  bool stopping() const;

 private:
  void Run(std::chrono::milliseconds pause);
  const std::string name_;
  const std::function<std::chrono::milliseconds()> step_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  bool woken_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace vora
