#pragma once

// What every daemon tells of itself; the names of the process_ ones are those of Prometheus' client libraries.

#include "libs/obs/family.h"

namespace vora::daemon_internal {

inline obs::FamilySet kMetrics{"libs/daemon"};

inline const obs::GaugeFamily kBuildInfo{kMetrics, "vora_build_info", "Always 1; the version is in the label.", {"version"}};
inline const obs::GaugeFamily kReady{kMetrics, "vora_ready", "1 while /readyz says ready, else 0."};
inline const obs::GaugeFamily kResident{kMetrics, "process_resident_memory_bytes", "Resident memory size in bytes."};
inline const obs::CounterFamily kCpu{kMetrics, "process_cpu_seconds_total", "Total user and system CPU time spent in seconds."};
inline const obs::GaugeFamily kOpenFiles{kMetrics, "process_open_fds", "Number of open file descriptors."};
inline const obs::GaugeFamily kMaxFiles{kMetrics, "process_max_fds", "Maximum number of open file descriptors."};
inline const obs::GaugeFamily kThreads{kMetrics, "process_threads", "Number of threads."};
inline const obs::GaugeFamily kStartTime{kMetrics, "process_start_time_seconds", "Start time of the process since unix epoch in seconds."};

}  // namespace vora::daemon_internal
