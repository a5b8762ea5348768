#pragma once

// The background passes of one engine: what is due, parked runs, queue metrics. Any number of replicas may sweep at the same time.

#include <chrono>
#include <memory>

#include "libs/workflow/engine/engine.h"

namespace vora::workflow {

struct SweeperOptions {
  std::chrono::milliseconds interval{200};
  // After a start or an outage of the database no missing heartbeat is counted for this long: the workers are finding their way back.
  std::chrono::milliseconds lease_grace{5000};
  std::chrono::milliseconds parked_interval{5000};
  std::chrono::milliseconds metrics_interval{2000};
};

class Sweeper {
 public:
  Sweeper(Engine& engine, SweeperOptions options);
  ~Sweeper();  // Stop
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::workflow
