#include "libs/workflow/service_call_internal.h"
#include "libs/workflow/services.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
// Operators look after every tenant's workflows.
constexpr std::initializer_list<vora::Scope> kWho = {vora::Scope::kOperate, vora::Scope::kFleet};
using Base = v1::WorkflowService::WithCallbackMethod_WaitResult<v1::WorkflowService::Service>;

class WorkflowServiceImpl : public Base {
 public:
  WorkflowServiceImpl(Engine& engine, ResultWaiters& waiters, rpc::Gate gate)
      : engine_(engine), waiters_(waiters), gate_(std::move(gate)) {}

  grpc::Status StartWorkflow(grpc::ServerContext* context, const v1::StartWorkflowRequest* request,
                             v1::StartWorkflowResponse* response) override {
    return gate_.Let(*context, kWho, [&](const Caller&) { return Reply(engine_.Start(*request), response); });
  }
  grpc::Status SignalWorkflow(grpc::ServerContext* context, const v1::SignalWorkflowRequest* request,
                              v1::SignalWorkflowResponse*) override {
    return gate_.Let(*context, kWho, [&](const Caller&) { return rpc::ToGrpc(engine_.Signal(*request)); });
  }
  grpc::Status CancelWorkflow(grpc::ServerContext* context, const v1::CancelWorkflowRequest* request,
                              v1::CancelWorkflowResponse*) override {
    return gate_.Let(*context, kWho, [&](const Caller&) { return rpc::ToGrpc(engine_.Cancel(*request)); });
  }
  grpc::Status TerminateWorkflow(grpc::ServerContext* context, const v1::TerminateWorkflowRequest* request,
                                 v1::TerminateWorkflowResponse*) override {
    return gate_.Let(*context, kWho, [&](const Caller&) { return rpc::ToGrpc(engine_.Terminate(*request)); });
  }
  grpc::Status DescribeWorkflow(grpc::ServerContext* context, const v1::DescribeWorkflowRequest* request,
                                v1::DescribeWorkflowResponse* response) override {
    return gate_.Let(*context, kWho, [&](const Caller&) { return Reply(engine_.Describe(*request), response); });
  }
  grpc::Status ListWorkflows(grpc::ServerContext* context, const v1::ListWorkflowsRequest* request,
                             v1::ListWorkflowsResponse* response) override {
    return gate_.Let(*context, kWho, [&](const Caller&) { return Reply(engine_.List(*request), response); });
  }
  grpc::Status GetHistory(grpc::ServerContext* context, const v1::GetHistoryRequest* request, v1::GetHistoryResponse* response) override {
    return gate_.Let(*context, kWho, [&](const Caller&) { return Reply(engine_.GetHistory(*request), response); });
  }

  grpc::ServerUnaryReactor* WaitResult(grpc::CallbackServerContext* context, const v1::WaitResultRequest* request,
                                       v1::WaitResultResponse* response) override {
    if (const auto caller = gate_.Admit(*context, kWho); !caller.ok()) {
      return new rpc::RefusedCall<grpc::ServerUnaryReactor>(caller.status());
    }
    using Call = WaitingCall<ResultWaiters::Waiter>;
    auto call = Call::Make([this](const std::shared_ptr<ResultWaiters::Waiter>& waiter) { waiters_.Cancel(waiter); });
    Call* raw = call.get();
    call->Attach(waiters_.Add(request->workflow_id(), request->run_id(), TimeLeft(*context, milliseconds{60'000}, milliseconds{500}),
                              [raw, response](const Status& status, v1::WorkflowInfo info) {
                                *response->mutable_info() = std::move(info);
                                raw->Finish(rpc::ToGrpc(status));
                              }));
    return raw;
  }

 private:
  Engine& engine_;
  ResultWaiters& waiters_;
  const rpc::Gate gate_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeWorkflowService(Engine& engine, ResultWaiters& waiters, rpc::Gate gate) {
  return std::make_unique<WorkflowServiceImpl>(engine, waiters, std::move(gate));
}

}  // namespace vora::workflow
