#include "libs/workflow/definition/retry_policy.h"
#include "libs/workflow/service/service_call_internal.h"
#include "libs/workflow/service/services.h"
#include "libs/workflow/service/watch_stream_internal.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
constexpr std::initializer_list<vora::Scope> kActivityScopes = {vora::Scope::kFleet};
// What waits goes by the callback API: by the sync API it would hold one of the server's few threads meanwhile.
using ActivityBase = v1::ActivityService::WithCallbackMethod_PollActivities<
    v1::ActivityService::WithCallbackMethod_CompleteActivity<v1::ActivityService::WithCallbackMethod_FailActivity<
        v1::ActivityService::WithCallbackMethod_RenewWorker<v1::ActivityService::WithCallbackMethod_WatchWorker<
            v1::ActivityService::WithCallbackMethod_ReportActivities<v1::ActivityService::Service>>>>>>;

class ActivityServiceImpl : public ActivityBase {
 public:
  ActivityServiceImpl(Engine& engine, Dispatcher& dispatcher, WorkerSessions& sessions, ReportStreams& reports, rpc::Authorizer authorizer)
      : engine_(engine), dispatcher_(dispatcher), sessions_(sessions), reports_(reports), authorizer_(std::move(authorizer)) {}

  grpc::ServerUnaryReactor* PollActivities(grpc::CallbackServerContext* context, const v1::PollActivitiesRequest* request,
                                           v1::PollActivitiesResponse* response) override {
    if (const auto caller = authorizer_.Authorize(*context, kActivityScopes); !caller.ok()) {
      return new rpc::RefusedCall<grpc::ServerUnaryReactor>(caller.status());
    }
    using Call = WaitingCall<Dispatcher::Poll>;
    auto call = Call::Make([this](const std::shared_ptr<Dispatcher::Poll>& poll) { dispatcher_.Cancel(poll); });
    Call* raw = call.get();
    // Half a second of the caller's deadline stays for the answer: tasks in an answer that comes too late are claimed and lost until their
    // lease ends.
    const milliseconds asked{std::min<int64_t>(ToMicros(request->wait()) / 1000, 60'000)};
    call->Attach(dispatcher_.Add(*request, TimeLeft(*context, asked, milliseconds{500}),
                                 // `raw` lives until OnDone, which gRPC calls only after Finish, and `done` is called exactly once.
                                 [raw, response](const Status& status, std::vector<v1::ActivityTask> tasks) {
                                   for (auto& task : tasks) *response->add_tasks() = std::move(task);
                                   raw->Finish(rpc::ToGrpc(status));
                                 }));
    return raw;
  }

  grpc::ServerUnaryReactor* RenewWorker(grpc::CallbackServerContext* context, const v1::RenewWorkerRequest* request,
                                        v1::RenewWorkerResponse* response) override {
    auto* reactor = context->DefaultReactor();
    const auto caller = authorizer_.Authorize(*context, kActivityScopes);
    const Status refused = caller.ok() ? Engine::CheckRenewal(*request) : caller.status();
    if (!refused.ok()) return Refuse(reactor, refused);
    sessions_.Renew(*request, [reactor, response](const Status& status, v1::RenewWorkerResponse answer) {
      *response = std::move(answer);
      reactor->Finish(rpc::ToGrpc(status));
    });
    return reactor;
  }
  grpc::ServerWriteReactor<v1::WorkerOrders>* WatchWorker(grpc::CallbackServerContext* context,
                                                          const v1::WatchWorkerRequest* request) override {
    const auto caller = authorizer_.Authorize(*context, kActivityScopes);
    return StartWatchStream(sessions_, request->worker_id(), caller.ok() ? Status() : caller.status());
  }

  grpc::Status HeartbeatActivity(grpc::ServerContext* context, const v1::HeartbeatActivityRequest* request,
                                 v1::HeartbeatActivityResponse* response) override {
    return authorizer_.Authorize(*context, kActivityScopes, [&](const Caller&) {
      const auto cancel_requested = engine_.Heartbeat(*request);
      if (!cancel_requested.ok()) return rpc::ToGrpc(cancel_requested.status());
      response->set_cancel_requested(*cancel_requested);
      return grpc::Status::OK;
    });
  }
  grpc::ServerUnaryReactor* CompleteActivity(grpc::CallbackServerContext* context, const v1::CompleteActivityRequest* request,
                                             v1::CompleteActivityResponse* response) override {
    auto* reactor = context->DefaultReactor();
    if (const auto caller = authorizer_.Authorize(*context, kActivityScopes); !caller.ok()) return Refuse(reactor, caller.status());
    engine_.Complete(*request, [this, context, reactor, response](StatusOr<v1::CompleteActivityResponse> answer) {
      if (answer.ok()) response->Swap(&*answer);
      if (response->has_next() && context->IsCancelled()) dispatcher_.GiveBack(response->next().task_token());
      reactor->Finish(rpc::ToGrpc(answer.status()));
    });
    return reactor;
  }
  grpc::ServerBidiReactor<v1::ReportActivitiesRequest, v1::ReportActivitiesResponse>* ReportActivities(
      grpc::CallbackServerContext* context) override {
    return reports_.Start(authorizer_.Authorize(*context, kActivityScopes).status());
  }
  grpc::ServerUnaryReactor* FailActivity(grpc::CallbackServerContext* context, const v1::FailActivityRequest* request,
                                         v1::FailActivityResponse* response) override {
    auto* reactor = context->DefaultReactor();
    if (const auto caller = authorizer_.Authorize(*context, kActivityScopes); !caller.ok()) return Refuse(reactor, caller.status());
    engine_.Fail(*request, [reactor, response](const StatusOr<bool>& will_retry) {
      if (will_retry.ok()) response->set_will_retry(*will_retry);
      reactor->Finish(rpc::ToGrpc(will_retry.status()));
    });
    return reactor;
  }
  grpc::Status ReleaseActivity(grpc::ServerContext* context, const v1::ReleaseActivityRequest* request,
                               v1::ReleaseActivityResponse*) override {
    return authorizer_.Authorize(*context, kActivityScopes, [&](const Caller&) { return rpc::ToGrpc(engine_.Release(*request)); });
  }
  grpc::Status ReportWorker(grpc::ServerContext* context, const v1::ReportWorkerRequest* request, v1::ReportWorkerResponse*) override {
    return authorizer_.Authorize(*context, kActivityScopes, [&](const Caller&) { return rpc::ToGrpc(engine_.ReportWorker(*request)); });
  }
  grpc::Status DescribeQueues(grpc::ServerContext* context, const v1::DescribeQueuesRequest*,
                              v1::DescribeQueuesResponse* response) override {
    return ForOperators(*context, [&] { return Reply(engine_.DescribeQueues(), response); });
  }
  grpc::Status ListQueueSettings(grpc::ServerContext* context, const v1::ListQueueSettingsRequest*,
                                 v1::ListQueueSettingsResponse* response) override {
    return ForOperators(*context, [&] { return Reply(engine_.ListQueueSettings(), response); });
  }
  grpc::Status GetQueueSettings(grpc::ServerContext* context, const v1::GetQueueSettingsRequest* request,
                                v1::QueueSettings* response) override {
    return ForOperators(*context, [&] { return Reply(engine_.GetQueueSettings(request->queue()), response); });
  }
  grpc::Status SetQueueSettings(grpc::ServerContext* context, const v1::SetQueueSettingsRequest* request,
                                v1::QueueSettings* response) override {
    return ForOperators(*context, [&] { return Reply(engine_.SetQueueSettings(*request), response); });
  }
  grpc::Status ResetQueueSettings(grpc::ServerContext* context, const v1::ResetQueueSettingsRequest* request,
                                  v1::QueueSettings* response) override {
    return ForOperators(*context, [&] { return Reply(engine_.ResetQueueSettings(request->queue()), response); });
  }
  grpc::Status ListTenantSettings(grpc::ServerContext* context, const v1::ListTenantSettingsRequest*,
                                  v1::ListTenantSettingsResponse* response) override {
    return ForOperators(*context, [&] { return Reply(engine_.ListTenantSettings(), response); });
  }
  grpc::Status GetTenantSettings(grpc::ServerContext* context, const v1::GetTenantSettingsRequest* request,
                                 v1::TenantSettings* response) override {
    return ForOperators(*context, [&] { return Reply(engine_.GetTenantSettings(request->tenant()), response); });
  }
  grpc::Status SetTenantSettings(grpc::ServerContext* context, const v1::SetTenantSettingsRequest* request,
                                 v1::TenantSettings* response) override {
    return ForOperators(*context, [&] { return Reply(engine_.SetTenantSettings(*request), response); });
  }
  grpc::Status ResetTenantSettings(grpc::ServerContext* context, const v1::ResetTenantSettingsRequest* request,
                                   v1::TenantSettings* response) override {
    return ForOperators(*context, [&] { return Reply(engine_.ResetTenantSettings(request->tenant()), response); });
  }

 private:
  // The fleet as a whole has no tenant.
  template <typename Serve>
  grpc::Status ForOperators(const grpc::ServerContext& context, Serve serve) const {
    return authorizer_.Authorize(context, {vora::Scope::kOperate, vora::Scope::kFleet}, [&](const Caller&) { return serve(); });
  }

  Engine& engine_;
  Dispatcher& dispatcher_;
  WorkerSessions& sessions_;
  ReportStreams& reports_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeActivityService(Engine& engine, Dispatcher& dispatcher, WorkerSessions& sessions, ReportStreams& reports,
                                                   rpc::Authorizer authorizer) {
  return std::make_unique<ActivityServiceImpl>(engine, dispatcher, sessions, reports, std::move(authorizer));
}

}  // namespace vora::workflow
