#pragma once

// What the drivers share: calls that must work, times, percentiles.

#include <chrono>
#include <cstdint>
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

int64_t NowMicros();
// CPU seconds of this process.
double CpuSeconds();
// 0 of nothing.
double Percentile(std::vector<double> values, double share);

}  // namespace vora::bench
