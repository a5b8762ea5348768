#include <cstdio>

#include "bench/engine/client.h"
#include "bench/engine/drivers.h"
#include "libs/ladder/ladder.h"
#include "libs/workflow/definition/payload.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::bench {
namespace {

using namespace workflow;

constexpr int kPipelineVersion = 3;  // with the storyboard

v1::StartWorkflowRequest FilmRequest() {
  v1::ProcessVideoInput input;
  input.set_video_id("film-" + std::to_string(NowMicros()));
  input.set_tenant("default");
  input.set_source_key("raw/" + input.video_id() + "/original");
  input.set_object_prefix("processed/" + input.video_id());
  input.set_pipeline_version(kPipelineVersion);
  *input.mutable_ladder() = ladder::DefaultLadder();
  v1::StartWorkflowRequest request;
  request.set_workflow_id("video/" + input.video_id());
  request.set_type("ProcessVideo");
  request.set_input(ToPayload(input));
  request.set_request_id("1");
  return request;
}

}  // namespace

int Film(const Target& target, const FilmOptions& options) {
  v1::WorkflowService::Stub stub(rpc::Connect(target.orchestrator));
  const auto begin = std::chrono::steady_clock::now();
  const auto request = FilmRequest();
  MustCall(stub, &v1::WorkflowService::Stub::StartWorkflow, request);
  if (!options.wait) return 0;
  v1::WaitResultRequest wait;
  wait.set_workflow_id(request.workflow_id());
  v1::WorkflowInfo info;
  do {
    info = MustCall(stub, &v1::WorkflowService::Stub::WaitResult, wait).info();
  } while (info.status() == v1::WORKFLOW_STATUS_RUNNING);
  if (info.status() != v1::WORKFLOW_STATUS_COMPLETED) Die("the film ended as " + info.ShortDebugString());
  std::printf("RESULT %.2f %lld\n", std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(),
              static_cast<long long>(info.history_length()));
  return 0;
}

}  // namespace vora::bench
