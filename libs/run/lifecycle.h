#pragma once

// The life of a daemon in one place: readiness, SIGTERM/SIGINT, and the order of shutdown.

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libs/core/status.h"

namespace vora {

// Readiness: ready when it was switched on, is not draining, and every check is OK. Thread-safe.
class Readiness {
 public:
  // `patience`: how long a probe waits for the checks.
  explicit Readiness(std::chrono::milliseconds patience = std::chrono::milliseconds(2500));
  ~Readiness();  // Stop
  // `check` should be quick. It is called on a thread of its own, once at a time: one that waits for a store which has gone silent counts
  // as failing, and holds up neither other checks nor other probes.
  void AddCheck(std::string name, std::function<Status()> check);
  void SetStarted();
  void SetDraining();
  bool draining() const { return draining_; }
  // OK, or UNAVAILABLE naming each failing check.
  Status Check() const;
  // Joins the checks: before what they ask goes away, and after the last call of Check.
  void Stop();

 private:
  class Probe;
  const std::chrono::milliseconds patience_;
  std::atomic<bool> started_{false};
  std::atomic<bool> draining_{false};
  mutable std::mutex mutex_;
  std::vector<std::shared_ptr<Probe>> probes_;
};

// Blocks SIGTERM and SIGINT in this and all later threads; call first thing in main, before any thread starts. Ignores SIGPIPE.
void BlockShutdownSignals();
// Waits for SIGTERM or SIGINT; returns which.
int WaitForShutdownSignal();

}  // namespace vora
