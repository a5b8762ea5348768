#include <grpcpp/server_context.h>

#include "services/metadata/api/grpc_answer_internal.h"
#include "services/metadata/api/grpc_services.h"
#include "services/metadata/webhooks/subscription_repo.h"
#include "vora/metadata/v1/events.grpc.pb.h"

namespace vora::metadata {
namespace {

// Of the scope that webhooks have: who may not have the tenant's events sent may not fetch them either.
class EventServiceImpl final : public v1::EventService::Service {
 public:
  EventServiceImpl(SubscriptionRepo& subscriptions, rpc::Authorizer authorizer)
      : subscriptions_(subscriptions), authorizer_(std::move(authorizer)) {}

  grpc::Status FetchEvents(grpc::ServerContext* context, const v1::FetchEventsRequest* request,
                           v1::FetchEventsResponse* response) override {
    return authorizer_.Authorize(*context, {Scope::kOperate}, [&](const Caller& caller) {
      return AnswerUnary(subscriptions_.Fetch(caller.tenant, *request), response);
    });
  }
  grpc::Status AcknowledgeEvents(grpc::ServerContext* context, const v1::AcknowledgeEventsRequest* request,
                                 v1::AcknowledgeEventsResponse* response) override {
    return authorizer_.Authorize(*context, {Scope::kOperate}, [&](const Caller& caller) {
      return AnswerUnary(subscriptions_.Acknowledge(caller.tenant, *request), response);
    });
  }

 private:
  SubscriptionRepo& subscriptions_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEventService(SubscriptionRepo& subscriptions, rpc::Authorizer authorizer) {
  return std::make_unique<EventServiceImpl>(subscriptions, std::move(authorizer));
}

}  // namespace vora::metadata
