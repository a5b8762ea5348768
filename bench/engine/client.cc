#include "bench/engine/client.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>

namespace vora::bench {
namespace {

constexpr std::chrono::milliseconds kRefusedPause{5};

}  // namespace

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

void StartCall::Run(workflow::v1::WorkflowService::Stub& stub, std::function<void()> started) {
  stub_ = &stub;
  started_ = std::move(started);
  Try();
}

void StartCall::Try() {
  context_ = std::make_unique<grpc::ClientContext>();
  rpc::Prepare(*context_, kCallTimeout);
  stub_->async()->StartWorkflow(context_.get(), &request_, &response_, [this](const grpc::Status& status) {
    if (status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED) {
      ++refused_;
      // Another than the one that may have called this.
      alarm_ = std::make_unique<grpc::Alarm>();
      alarm_->Set(std::chrono::system_clock::now() + kRefusedPause, [this](bool) { Try(); });
      return;
    }
    if (!status.ok()) Die("StartWorkflow: " + status.error_message());
    // It may hold what holds this.
    const auto started = std::move(started_);
    started();
  });
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
