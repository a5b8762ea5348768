#pragma once

// What the drivers share: calls that must work, times, percentiles.

#include <grpcpp/alarm.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/rpc/call.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::bench {

constexpr std::chrono::milliseconds kCallTimeout{30'000};

// Ends the program with exit code 1.
[[noreturn]] void Die(const std::string& why);

template <typename Request, typename Response>
Response MustCall(workflow::v1::WorkflowService::Stub& stub,
                  grpc::Status (workflow::v1::WorkflowService::Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                  const Request& request) {
  auto answer = rpc::Call(stub, method, request, kCallTimeout);
  if (!answer.ok()) Die(ToText(answer.status()));
  return std::move(answer).value();
}

// A start of `Chain`; its id differs from those of every other process and call.
workflow::v1::StartWorkflowRequest ChainRequest(int activities);

// A call of StartWorkflow on gRPC's threads. One that the orchestrator has no thread for is tried again after a pause, and counted.
class StartCall {
 public:
  explicit StartCall(workflow::v1::StartWorkflowRequest request) : request_(std::move(request)) {}
  // Once. `started` is called from a thread of gRPC; until then this must live.
  void Run(workflow::v1::WorkflowService::Stub& stub, std::function<void()> started);
  const std::string& workflow_id() const { return request_.workflow_id(); }
  const std::string& run_id() const { return response_.run_id(); }
  int refused() const { return refused_; }

 private:
  void Try();

  const workflow::v1::StartWorkflowRequest request_;
  workflow::v1::StartWorkflowResponse response_;
  workflow::v1::WorkflowService::Stub* stub_ = nullptr;
  std::function<void()> started_;
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::Alarm> alarm_;
  int refused_ = 0;
};

int64_t NowMicros();
// CPU seconds of this process.
double CpuSeconds();
// 0 of nothing.
double Percentile(std::vector<double> values, double share);

}  // namespace vora::bench
