#include "services/metadata/processing/orchestrator_client.h"

#include <chrono>
#include <mutex>
#include <utility>

#include "libs/core/error.h"
#include "libs/rpc/call.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;
constexpr std::chrono::seconds kTimeout{5};
constexpr std::chrono::hours kWatchDeadline{24};

template <typename Stub, typename Method, typename Request>
auto Ask(Stub& stub, Method method, const Request& request, std::chrono::milliseconds timeout = kTimeout) {
  auto answer = rpc::Call(stub, method, request, timeout);
  if (!answer.ok()) answer = Annotate(answer.status(), "orchestrator");
  return answer;
}

}  // namespace

struct OrchestratorClient::Impl {
  explicit Impl(const std::shared_ptr<grpc::Channel>& channel)
      : stub(wf::WorkflowService::NewStub(channel)), activities(wf::ActivityService::NewStub(channel)) {}
  const std::unique_ptr<wf::WorkflowService::Stub> stub;
  const std::unique_ptr<wf::ActivityService::Stub> activities;
  std::mutex mutex;
  grpc::ClientContext* watch = nullptr;  // of the stream that is open
  bool stopping = false;
};

OrchestratorClient::OrchestratorClient(const std::string& target) : impl_(new Impl(rpc::Connect(target))) {}
OrchestratorClient::~OrchestratorClient() = default;

StatusOr<wf::StartWorkflowResponse> OrchestratorClient::Start(const wf::StartWorkflowRequest& request) {
  return Ask(*impl_->stub, &wf::WorkflowService::Stub::StartWorkflow, request);
}

Status OrchestratorClient::Cancel(const std::string& workflow_id, const std::string& reason) {
  wf::CancelWorkflowRequest request;
  request.set_workflow_id(workflow_id);
  request.set_reason(reason);
  return Ask(*impl_->stub, &wf::WorkflowService::Stub::CancelWorkflow, request).status();
}

Status OrchestratorClient::Terminate(const std::string& workflow_id, const std::string& reason) {
  wf::TerminateWorkflowRequest request;
  request.set_workflow_id(workflow_id);
  request.set_reason(reason);
  return Ask(*impl_->stub, &wf::WorkflowService::Stub::TerminateWorkflow, request).status();
}

StatusOr<wf::DescribeWorkflowResponse> OrchestratorClient::Describe(const std::string& workflow_id, const std::string& run_id) {
  wf::DescribeWorkflowRequest request;
  request.set_workflow_id(workflow_id);
  request.set_run_id(run_id);
  return Ask(*impl_->stub, &wf::WorkflowService::Stub::DescribeWorkflow, request);
}

StatusOr<wf::ListWorkflowsResponse> OrchestratorClient::Runs(const std::vector<std::string>& run_ids) {
  wf::ListWorkflowsRequest request;
  request.mutable_run_ids()->Assign(run_ids.begin(), run_ids.end());
  return Ask(*impl_->stub, &wf::WorkflowService::Stub::ListWorkflows, request);
}

Status OrchestratorClient::WatchProgress(const wf::WatchProgressRequest& request,
                                         const std::function<void(wf::WatchProgressResponse)>& told) {
  grpc::ClientContext context;
  rpc::Prepare(context, kWatchDeadline);
  {
    const std::lock_guard lock(impl_->mutex);
    if (impl_->stopping) return Cancelled("the watch is over");
    impl_->watch = &context;
  }
  const auto reader = impl_->stub->WatchProgress(&context, request);
  wf::WatchProgressResponse response;
  while (reader->Read(&response)) told(std::exchange(response, {}));
  const Status ended = rpc::FromGrpc(reader->Finish());
  const std::lock_guard lock(impl_->mutex);
  impl_->watch = nullptr;
  return Annotate(ended, "orchestrator");
}

void OrchestratorClient::StopWatching() {
  const std::lock_guard lock(impl_->mutex);
  impl_->stopping = true;
  if (impl_->watch) impl_->watch->TryCancel();
}

StatusOr<wf::GetHistoryResponse> OrchestratorClient::History(const std::string& workflow_id, const std::string& run_id, int64_t after,
                                                             int page_size) {
  wf::GetHistoryRequest request;
  request.set_workflow_id(workflow_id);
  request.set_run_id(run_id);
  request.set_after_event_id(after);
  request.set_page_size(page_size);
  return Ask(*impl_->stub, &wf::WorkflowService::Stub::GetHistory, request);
}

StatusOr<wf::DescribeQueuesResponse> OrchestratorClient::DescribeQueues(std::chrono::milliseconds timeout) {
  return Ask(*impl_->activities, &wf::ActivityService::Stub::DescribeQueues, wf::DescribeQueuesRequest(), timeout);
}

Status OrchestratorClient::Pause(const wf::PauseWorkflowRequest& request) {
  return Ask(*impl_->stub, &wf::WorkflowService::Stub::PauseWorkflow, request).status();
}

Status OrchestratorClient::Unpause(const std::string& workflow_id) {
  wf::UnpauseWorkflowRequest request;
  request.set_workflow_id(workflow_id);
  return Ask(*impl_->stub, &wf::WorkflowService::Stub::UnpauseWorkflow, request).status();
}

StatusOr<wf::RetryNowResponse> OrchestratorClient::RetryNow(const wf::RetryNowRequest& request) {
  return Ask(*impl_->stub, &wf::WorkflowService::Stub::RetryNow, request);
}

Status OrchestratorClient::SetVideoPriority(const std::string& video_id, int priority) {
  wf::SetWorkflowPriorityRequest request;
  request.set_workflow_id(WorkflowOf(video_id));
  request.set_priority(priority);
  const Status told = Ask(*impl_->stub, &wf::WorkflowService::Stub::SetWorkflowPriority, request).status();
  // Not begun, or over.
  return told.code() == StatusCode::kNotFound || told.code() == StatusCode::kFailedPrecondition ? absl::OkStatus() : told;
}

StatusOr<wf::ListQueueSettingsResponse> OrchestratorClient::ListQueueSettings() {
  return Ask(*impl_->activities, &wf::ActivityService::Stub::ListQueueSettings, wf::ListQueueSettingsRequest());
}

StatusOr<wf::QueueSettings> OrchestratorClient::GetQueueSettings(const std::string& queue) {
  wf::GetQueueSettingsRequest request;
  request.set_queue(queue);
  return Ask(*impl_->activities, &wf::ActivityService::Stub::GetQueueSettings, request);
}

StatusOr<wf::QueueSettings> OrchestratorClient::SetQueueSettings(const wf::SetQueueSettingsRequest& request) {
  return Ask(*impl_->activities, &wf::ActivityService::Stub::SetQueueSettings, request);
}

StatusOr<wf::QueueSettings> OrchestratorClient::ResetQueueSettings(const std::string& queue) {
  wf::ResetQueueSettingsRequest request;
  request.set_queue(queue);
  return Ask(*impl_->activities, &wf::ActivityService::Stub::ResetQueueSettings, request);
}

StatusOr<wf::ListTenantSettingsResponse> OrchestratorClient::ListTenantSettings() {
  return Ask(*impl_->activities, &wf::ActivityService::Stub::ListTenantSettings, wf::ListTenantSettingsRequest());
}

StatusOr<wf::TenantSettings> OrchestratorClient::GetTenantSettings(const std::string& tenant) {
  wf::GetTenantSettingsRequest request;
  request.set_tenant(tenant);
  return Ask(*impl_->activities, &wf::ActivityService::Stub::GetTenantSettings, request);
}

StatusOr<wf::TenantSettings> OrchestratorClient::SetTenantSettings(const wf::SetTenantSettingsRequest& request) {
  return Ask(*impl_->activities, &wf::ActivityService::Stub::SetTenantSettings, request);
}

StatusOr<wf::TenantSettings> OrchestratorClient::ResetTenantSettings(const std::string& tenant) {
  wf::ResetTenantSettingsRequest request;
  request.set_tenant(tenant);
  return Ask(*impl_->activities, &wf::ActivityService::Stub::ResetTenantSettings, request);
}

}  // namespace vora::metadata
