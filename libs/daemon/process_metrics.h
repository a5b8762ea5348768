#pragma once

// What Prometheus client libraries tell of their process: memory, open files, threads, start time.

#include "libs/obs/metrics.h"

namespace vora::daemon_internal {

class ProcessMetrics {
 public:
  explicit ProcessMetrics(obs::Metrics& metrics);
  // Reads /proc; call before each scrape.
  void Update();

 private:
  obs::Gauge& resident_;
  obs::Gauge& open_files_;
  obs::Gauge& threads_;
};

}  // namespace vora::daemon_internal
