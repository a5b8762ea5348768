#include "libs/daemon/process_metrics.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "libs/daemon/metrics.h"

namespace vora::daemon_internal {
namespace {

double CountEntries(const char* directory) {
  std::error_code error;
  const std::filesystem::directory_iterator entries(directory, error);
  return error ? 0 : static_cast<double>(std::distance(begin(entries), end(entries)));
}

double CpuSeconds() {
  rusage usage{};
  if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
  const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

}  // namespace

ProcessMetrics::ProcessMetrics(obs::Metrics& metrics)
    : resident_(kResident.In(metrics)), cpu_(kCpu.In(metrics)), open_files_(kOpenFiles.In(metrics)), threads_(kThreads.In(metrics)) {
  kStartTime.In(metrics).Set(std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count());
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) kMaxFiles.In(metrics).Set(static_cast<double>(files.rlim_cur));
}

void ProcessMetrics::Update() {
  std::ifstream statm("/proc/self/statm");
  double total = 0;
  double resident = 0;
  if (statm >> total >> resident) resident_.Set(resident * static_cast<double>(sysconf(_SC_PAGESIZE)));
  {
    // Two scrapes may come at once, and a counter must not go back.
    const std::lock_guard lock(mutex_);
    const double cpu = CpuSeconds();
    if (cpu > counted_cpu_) cpu_.Increment(cpu - counted_cpu_);
    counted_cpu_ = std::max(counted_cpu_, cpu);
  }
  open_files_.Set(CountEntries("/proc/self/fd"));
  threads_.Set(CountEntries("/proc/self/task"));
}

}  // namespace vora::daemon_internal
