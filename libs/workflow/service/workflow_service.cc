#include <algorithm>

#include "libs/workflow/service/progress_stream_internal.h"
#include "libs/workflow/service/service_call_internal.h"
#include "libs/workflow/service/services.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
// Operators look after the workflows of their tenant, the fleet after all. What is run, and on which files, only the fleet says.
constexpr std::initializer_list<vora::Scope> kWorkflowScopes = {vora::Scope::kOperate, vora::Scope::kFleet};
using WorkflowBase = v1::WorkflowService::WithCallbackMethod_StartWorkflow<v1::WorkflowService::WithCallbackMethod_WaitResult<
    v1::WorkflowService::WithCallbackMethod_WatchProgress<v1::WorkflowService::Service>>>;

class WorkflowServiceImpl : public WorkflowBase {
 public:
  WorkflowServiceImpl(Engine& engine, ResultWaiters& waiters, ProgressFeed& progress, rpc::Authorizer authorizer)
      : engine_(engine), waiters_(waiters), progress_(progress), authorizer_(std::move(authorizer)) {}

  grpc::ServerUnaryReactor* StartWorkflow(grpc::CallbackServerContext* context, const v1::StartWorkflowRequest* request,
                                          v1::StartWorkflowResponse* response) override {
    auto* reactor = context->DefaultReactor();
    if (const auto caller = authorizer_.Authorize(*context, {vora::Scope::kFleet}); !caller.ok()) return Refuse(reactor, caller.status());
    engine_.Start(*request, [reactor, response](StatusOr<v1::StartWorkflowResponse> started) {
      reactor->Finish(Reply(std::move(started), response));
    });
    return reactor;
  }
  grpc::Status SignalWorkflow(grpc::ServerContext* context, const v1::SignalWorkflowRequest* request,
                              v1::SignalWorkflowResponse*) override {
    return ForOwner(*context, *request, [&](const Caller&) { return rpc::ToGrpc(engine_.Signal(*request)); });
  }
  grpc::Status CancelWorkflow(grpc::ServerContext* context, const v1::CancelWorkflowRequest* request,
                              v1::CancelWorkflowResponse*) override {
    return ForOwner(*context, *request, [&](const Caller&) { return rpc::ToGrpc(engine_.Cancel(*request)); });
  }
  grpc::Status TerminateWorkflow(grpc::ServerContext* context, const v1::TerminateWorkflowRequest* request,
                                 v1::TerminateWorkflowResponse*) override {
    return ForOwner(*context, *request, [&](const Caller&) { return rpc::ToGrpc(engine_.Terminate(*request)); });
  }
  grpc::Status DescribeWorkflow(grpc::ServerContext* context, const v1::DescribeWorkflowRequest* request,
                                v1::DescribeWorkflowResponse* response) override {
    return ForOwner(*context, *request, [&](const Caller&) { return Reply(engine_.Describe(*request), response); });
  }
  grpc::Status ListWorkflows(grpc::ServerContext* context, const v1::ListWorkflowsRequest* request,
                             v1::ListWorkflowsResponse* response) override {
    return authorizer_.Authorize(*context, kWorkflowScopes, [&](const Caller& caller) {
      const grpc::Status listed = Reply(engine_.List(*request), response);
      // After paging, since List does not know tenants: a tenant's page may be short, even empty, while its token still leads on.
      auto* all = response->mutable_workflows();
      all->erase(std::remove_if(all->begin(), all->end(), [&](const auto& info) { return !MaySee(caller, info); }), all->end());
      return listed;
    });
  }
  grpc::Status GetHistory(grpc::ServerContext* context, const v1::GetHistoryRequest* request, v1::GetHistoryResponse* response) override {
    return ForOwner(*context, *request, [&](const Caller&) { return Reply(engine_.GetHistory(*request), response); });
  }

  grpc::Status PauseWorkflow(grpc::ServerContext* context, const v1::PauseWorkflowRequest* request, v1::PauseWorkflowResponse*) override {
    return ForOwner(*context, *request, [&](const Caller& caller) {
      v1::PauseWorkflowRequest named = *request;
      // Only daemons may speak for others.
      if (!caller.Has(vora::Scope::kFleet) || named.identity().empty()) named.set_identity(caller.subject);
      return rpc::ToGrpc(engine_.Pause(named));
    });
  }
  grpc::Status UnpauseWorkflow(grpc::ServerContext* context, const v1::UnpauseWorkflowRequest* request,
                               v1::UnpauseWorkflowResponse*) override {
    return ForOwner(*context, *request, [&](const Caller&) { return rpc::ToGrpc(engine_.Unpause(*request)); });
  }
  grpc::Status RetryNow(grpc::ServerContext* context, const v1::RetryNowRequest* request, v1::RetryNowResponse* response) override {
    return ForOwner(*context, *request, [&](const Caller&) { return Reply(engine_.RetryNow(*request), response); });
  }
  grpc::Status SetWorkflowPriority(grpc::ServerContext* context, const v1::SetWorkflowPriorityRequest* request,
                                   v1::SetWorkflowPriorityResponse*) override {
    return ForOwner(*context, *request, [&](const Caller&) { return rpc::ToGrpc(engine_.SetPriority(*request)); });
  }

  grpc::ServerUnaryReactor* WaitResult(grpc::CallbackServerContext* context, const v1::WaitResultRequest* request,
                                       v1::WaitResultResponse* response) override {
    const auto caller = authorizer_.Authorize(*context, kWorkflowScopes);
    if (!caller.ok()) return new rpc::RefusedCall<grpc::ServerUnaryReactor>(caller.status());
    using Call = WaitingCall<ResultWaiters::Waiter>;
    auto call = Call::Make([this](const std::shared_ptr<ResultWaiters::Waiter>& waiter) { waiters_.Cancel(waiter); });
    Call* raw = call.get();
    call->Attach(waiters_.Add(request->workflow_id(), request->run_id(), TimeLeft(*context, milliseconds{60'000}, milliseconds{500}),
                              // The tenant is known once the run is found, so a foreign one is refused at the end, as if it were not there.
                              [raw, response, caller = *caller](const Status& status, v1::WorkflowInfo info) {
                                if (status.ok() && !MaySee(caller, info)) return raw->Finish(rpc::ToGrpc(NoWorkflow(info.workflow_id())));
                                *response->mutable_info() = std::move(info);
                                raw->Finish(rpc::ToGrpc(status));
                              }));
    return raw;
  }

  grpc::ServerWriteReactor<v1::WatchProgressResponse>* WatchProgress(grpc::CallbackServerContext* context,
                                                                     const v1::WatchProgressRequest* request) override {
    return StartProgressStream(progress_, *request, authorizer_.Authorize(*context, {vora::Scope::kFleet}).status());
  }

 private:
  static bool MaySee(const Caller& caller, const v1::WorkflowInfo& info) {
    return caller.Has(vora::Scope::kFleet) || caller.tenant == info.tenant();
  }
  static Status NoWorkflow(const std::string& workflow_id) { return NotFound("no workflow " + workflow_id); }

  // `serve(caller)` for those who may see the workflow that the request names; for others it is not there.
  template <typename Request, typename Serve>
  grpc::Status ForOwner(const grpc::ServerContext& context, const Request& request, Serve serve) const {
    return authorizer_.Authorize(context, kWorkflowScopes, [&](const Caller& caller) {
      // Daemons are spared the question, which is a query of its own for each call.
      if (caller.Has(vora::Scope::kFleet)) return serve(caller);
      v1::DescribeWorkflowRequest asked;
      asked.set_workflow_id(request.workflow_id());
      asked.set_run_id(request.run_id());
      const auto found = engine_.Describe(asked);
      if (!found.ok()) return rpc::ToGrpc(found.status());
      return MaySee(caller, found->info()) ? serve(caller) : rpc::ToGrpc(NoWorkflow(request.workflow_id()));
    });
  }

  Engine& engine_;
  ResultWaiters& waiters_;
  ProgressFeed& progress_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeWorkflowService(Engine& engine, ResultWaiters& waiters, ProgressFeed& progress,
                                                   rpc::Authorizer authorizer) {
  return std::make_unique<WorkflowServiceImpl>(engine, waiters, progress, std::move(authorizer));
}

}  // namespace vora::workflow
