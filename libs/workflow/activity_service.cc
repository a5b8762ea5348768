#include "libs/workflow/retry_policy.h"
#include "libs/workflow/service_call_internal.h"
#include "libs/workflow/services.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
using Base = v1::ActivityService::WithCallbackMethod_PollActivities<v1::ActivityService::Service>;

class ActivityServiceImpl : public Base {
 public:
  ActivityServiceImpl(Engine& engine, Dispatcher& dispatcher) : engine_(engine), dispatcher_(dispatcher) {}

  grpc::ServerUnaryReactor* PollActivities(grpc::CallbackServerContext* context, const v1::PollActivitiesRequest* request,
                                           v1::PollActivitiesResponse* response) override {
    using Call = WaitingCall<Dispatcher::Poll>;
    auto call = Call::Make([this](const std::shared_ptr<Dispatcher::Poll>& poll) { dispatcher_.Cancel(poll); });
    Call* raw = call.get();
    const milliseconds asked{std::min<int64_t>(ToMicros(request->wait()) / 1000, 60'000)};
    call->Attach(dispatcher_.Add(*request, TimeLeft(*context, asked, milliseconds{500}),
                                 [raw, response](const Status& status, std::vector<v1::ActivityTask> tasks) {
                                   for (auto& task : tasks) *response->add_tasks() = std::move(task);
                                   raw->Finish(rpc::ToGrpc(status));
                                 }));
    return raw;
  }

  grpc::Status HeartbeatActivity(grpc::ServerContext*, const v1::HeartbeatActivityRequest* request,
                                 v1::HeartbeatActivityResponse* response) override {
    const auto cancel_requested = engine_.Heartbeat(*request);
    if (!cancel_requested.ok()) return rpc::ToGrpc(cancel_requested.status());
    response->set_cancel_requested(*cancel_requested);
    return grpc::Status::OK;
  }
  grpc::Status CompleteActivity(grpc::ServerContext*, const v1::CompleteActivityRequest* request, v1::CompleteActivityResponse*) override {
    return rpc::ToGrpc(engine_.Complete(*request));
  }
  grpc::Status FailActivity(grpc::ServerContext*, const v1::FailActivityRequest* request, v1::FailActivityResponse* response) override {
    const auto will_retry = engine_.Fail(*request);
    if (!will_retry.ok()) return rpc::ToGrpc(will_retry.status());
    response->set_will_retry(*will_retry);
    return grpc::Status::OK;
  }
  grpc::Status ReleaseActivity(grpc::ServerContext*, const v1::ReleaseActivityRequest* request, v1::ReleaseActivityResponse*) override {
    return rpc::ToGrpc(engine_.Release(*request));
  }
  grpc::Status ReportWorker(grpc::ServerContext*, const v1::ReportWorkerRequest* request, v1::ReportWorkerResponse*) override {
    return rpc::ToGrpc(engine_.ReportWorker(*request));
  }
  grpc::Status DescribeQueues(grpc::ServerContext*, const v1::DescribeQueuesRequest*, v1::DescribeQueuesResponse* response) override {
    auto described = engine_.DescribeQueues();
    if (!described.ok()) return rpc::ToGrpc(described.status());
    *response = *std::move(described);
    return grpc::Status::OK;
  }

 private:
  Engine& engine_;
  Dispatcher& dispatcher_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeActivityService(Engine& engine, Dispatcher& dispatcher) {
  return std::make_unique<ActivityServiceImpl>(engine, dispatcher);
}

}  // namespace vora::workflow
