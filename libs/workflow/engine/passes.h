#pragma once

// The background passes of one engine, each on a thread of its own, so that one that is slow holds up no other. Any number of replicas may
// run them at the same time.

#include <chrono>
#include <memory>

#include "libs/workflow/engine/engine.h"

namespace vora::workflow {

struct PassOptions {
  // Between looks at the deadlines; those that this process has made itself are met at their time.
  std::chrono::milliseconds due_interval{1000};
  // After a start or an outage of the database no missing heartbeat is counted for this long: the workers are finding their way back.
  std::chrono::milliseconds lease_grace{5000};
  std::chrono::milliseconds parked_interval{5000};
  std::chrono::milliseconds metrics_interval{2000};
  std::chrono::milliseconds retention_interval = std::chrono::minutes(10);
};

class Passes {
 public:
  Passes(Engine& engine, PassOptions options);
  ~Passes();  // Stop
  void Start();
  void Stop();
  // Something is due then. Thread-safe, does not block.
  void DueAfter(std::chrono::microseconds delay);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::workflow
