#pragma once

// The life of a daemon in one place: readiness, SIGTERM/SIGINT, and the order of shutdown.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/status.h"

namespace vora {

// Readiness: ready when it was switched on, is not draining, and every check is OK. Thread-safe.
class Readiness {
 public:
  // `check` is called from probes, must be quick (it should answer from a cached state) and thread-safe.
  void AddCheck(std::string name, std::function<Status()> check);
  void SetStarted();
  void SetDraining();
  bool draining() const { return draining_; }
  // OK, or UNAVAILABLE naming each failing check.
  Status Check() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<std::string, std::function<Status()>>> checks_;
  std::atomic<bool> started_{false};
  std::atomic<bool> draining_{false};
};

// Blocks SIGTERM and SIGINT in this and all later threads; call first thing in main, before any thread starts. Ignores SIGPIPE.
void BlockShutdownSignals();
// Waits for SIGTERM or SIGINT; returns which.
int WaitForShutdownSignal();

}  // namespace vora
