#include <algorithm>
#include <cstdio>
#include <thread>

#include "bench/engine/client.h"
#include "bench/engine/drivers.h"

namespace vora::bench {
namespace {

using namespace workflow;

constexpr std::chrono::milliseconds kPause{500};

struct Tally {
  int messages = 0;
  size_t bytes = 0, largest = 0;
  void Add(size_t size) {
    ++messages;
    bytes += size;
    largest = std::max(largest, size);
  }
};

Tally Stream(v1::WorkflowService::Stub& stub, std::chrono::milliseconds time) {
  grpc::ClientContext context;
  rpc::Prepare(context, time);
  const auto reader = stub.WatchProgress(&context, v1::WatchProgressRequest());
  v1::WatchProgressResponse response;
  Tally tally;
  while (reader->Read(&response)) tally.Add(response.ByteSizeLong());
  const Status ended = rpc::FromGrpc(reader->Finish());
  if (ended.code() != StatusCode::kDeadlineExceeded) Die("the stream ended: " + ToText(ended));
  return tally;
}

Tally Poll(v1::WorkflowService::Stub& stub, std::chrono::milliseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  v1::ListWorkflowsRequest list;
  list.set_status(v1::WORKFLOW_STATUS_RUNNING);
  const auto open = MustCall(stub, &v1::WorkflowService::Stub::ListWorkflows, list);
  Tally tally;
  for (auto next = std::chrono::steady_clock::now(); next < end; next += kPause) {
    for (const auto& info : open.workflows()) {
      v1::DescribeWorkflowRequest request;
      request.set_workflow_id(info.workflow_id());
      tally.Add(MustCall(stub, &v1::WorkflowService::Stub::DescribeWorkflow, request).ByteSizeLong());
    }
    std::this_thread::sleep_until(next + kPause);
  }
  return tally;
}

}  // namespace

int Watch(const Target& target, const WatchOptions& options) {
  v1::WorkflowService::Stub stub(rpc::Connect(target.orchestrator));
  const auto time = std::chrono::milliseconds(static_cast<int64_t>(options.seconds * 1000));
  const Tally tally = options.poll ? Poll(stub, time) : Stream(stub, time);
  std::printf("RESULT %d %zu %zu\n", tally.messages, tally.bytes, tally.largest);
  return 0;
}

}  // namespace vora::bench
