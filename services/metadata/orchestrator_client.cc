#include "services/metadata/orchestrator_client.h"

#include <chrono>

#include "libs/rpc/client.h"
#include "libs/rpc/status.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;
constexpr std::chrono::seconds kTimeout{5};

// One unary call as Status and answer.
template <typename Response, typename Request, typename Method>
StatusOr<Response> Call(wf::WorkflowService::Stub& stub, Method method, const Request& request) {
  grpc::ClientContext context;
  rpc::Prepare(context, kTimeout);
  Response response;
  const Status status = rpc::FromGrpc((stub.*method)(&context, request, &response));
  if (!status.ok()) return Annotate(status, "orchestrator");
  return response;
}

}  // namespace

struct OrchestratorClient::Impl {
  std::unique_ptr<wf::WorkflowService::Stub> stub;
};

OrchestratorClient::OrchestratorClient(const std::string& target) : impl_(new Impl{wf::WorkflowService::NewStub(rpc::Connect(target))}) {}
OrchestratorClient::~OrchestratorClient() = default;

StatusOr<wf::StartWorkflowResponse> OrchestratorClient::Start(const wf::StartWorkflowRequest& request) {
  return Call<wf::StartWorkflowResponse>(*impl_->stub, &wf::WorkflowService::Stub::StartWorkflow, request);
}

Status OrchestratorClient::Cancel(const std::string& workflow_id, const std::string& reason) {
  wf::CancelWorkflowRequest request;
  request.set_workflow_id(workflow_id);
  request.set_reason(reason);
  return Call<wf::CancelWorkflowResponse>(*impl_->stub, &wf::WorkflowService::Stub::CancelWorkflow, request).status();
}

Status OrchestratorClient::Terminate(const std::string& workflow_id, const std::string& reason) {
  wf::TerminateWorkflowRequest request;
  request.set_workflow_id(workflow_id);
  request.set_reason(reason);
  return Call<wf::TerminateWorkflowResponse>(*impl_->stub, &wf::WorkflowService::Stub::TerminateWorkflow, request).status();
}

StatusOr<wf::DescribeWorkflowResponse> OrchestratorClient::Describe(const std::string& workflow_id, const std::string& run_id) {
  wf::DescribeWorkflowRequest request;
  request.set_workflow_id(workflow_id);
  request.set_run_id(run_id);
  return Call<wf::DescribeWorkflowResponse>(*impl_->stub, &wf::WorkflowService::Stub::DescribeWorkflow, request);
}

StatusOr<wf::GetHistoryResponse> OrchestratorClient::History(const std::string& workflow_id, const std::string& run_id, int64_t after,
                                                             int page_size) {
  wf::GetHistoryRequest request;
  request.set_workflow_id(workflow_id);
  request.set_run_id(run_id);
  request.set_after_event_id(after);
  request.set_page_size(page_size);
  return Call<wf::GetHistoryResponse>(*impl_->stub, &wf::WorkflowService::Stub::GetHistory, request);
}

}  // namespace vora::metadata
