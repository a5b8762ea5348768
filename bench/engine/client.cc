#include "bench/engine/client.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace vora::bench {

void Die(const std::string& why) {
  std::fprintf(stderr, "vora-bench-engine: %s\n", why.c_str());
  std::_Exit(1);
}

workflow::v1::StartWorkflowRequest ChainRequest(int activities) {
  static const std::string run = std::to_string(NowMicros()) + "-" + std::to_string(getpid()) + "/";
  static std::atomic<int64_t> number{0};
  workflow::v1::StartWorkflowRequest request;
  request.set_workflow_id("chain/" + run + std::to_string(number++));
  request.set_type("Chain");
  request.set_input("{\"activities\":" + std::to_string(activities) + "}");
  request.set_request_id("1");
  return request;
}

int64_t NowMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

double CpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6; };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

double Percentile(std::vector<double> values, double share) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[std::min(values.size() - 1, static_cast<size_t>(share * static_cast<double>(values.size())))];
}

}  // namespace vora::bench
