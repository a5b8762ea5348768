#pragma once

// What Prometheus client libraries tell of their process: memory, processor time, open files, threads, start time.

#include <mutex>

#include "libs/obs/metrics.h"

namespace vora::daemon_internal {

class ProcessMetrics {
 public:
  explicit ProcessMetrics(obs::Metrics& metrics);
  // Reads /proc; call before each scrape. Thread-safe.
  void Update();

 private:
  obs::Gauge& resident_;
  obs::Counter& cpu_;
  obs::Gauge& open_files_;
  obs::Gauge& threads_;
  std::mutex mutex_;
  double counted_cpu_ = 0;
};

}  // namespace vora::daemon_internal
