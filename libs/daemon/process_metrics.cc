#include "libs/daemon/process_metrics.h"

#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace vora::daemon_internal {
namespace {

double CountEntries(const char* directory) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(directory, error);
  return error ? 0 : static_cast<double>(std::distance(begin(entries), end(entries)));
}

}  // namespace

ProcessMetrics::ProcessMetrics(obs::Metrics& metrics)
    : resident_(metrics.AddGauge("process_resident_memory_bytes", "Resident memory size in bytes.")),
      open_files_(metrics.AddGauge("process_open_fds", "Number of open file descriptors.")),
      threads_(metrics.AddGauge("process_threads", "Number of threads.")) {
  metrics.AddGauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.")
      .Set(std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
}

void ProcessMetrics::Update() {
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  if (statm >> total >> resident) resident_.Set(resident * static_cast<double>(sysconf(_SC_PAGESIZE)));
  open_files_.Set(CountEntries("/proc/self/fd"));
  threads_.Set(CountEntries("/proc/self/task"));
}

}  // namespace vora::daemon_internal
