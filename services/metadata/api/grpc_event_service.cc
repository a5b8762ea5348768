#include <grpcpp/server_context.h>

#include "services/metadata/api/grpc_answer_internal.h"
#include "services/metadata/api/grpc_services.h"
#include "services/metadata/imports/import_operations.h"
#include "services/metadata/webhooks/subscription_repo.h"
#include "vora/metadata/v1/events.grpc.pb.h"

namespace vora::metadata {
namespace {

// Of the scope that webhooks have: who may not have the tenant's events sent may not fetch them either.
class EventServiceImpl final : public v1::EventService::Service {
 public:
  EventServiceImpl(SubscriptionRepo& subscriptions, ImportOperations& imports, rpc::Authorizer authorizer)
      : subscriptions_(subscriptions), imports_(imports), authorizer_(std::move(authorizer)) {}

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
  grpc::Status ImportForRecipient(grpc::ServerContext* context, const v1::ImportForRecipientRequest* request,
                                  v1::Video* response) override {
    return authorizer_.Authorize(*context, {Scope::kOperate}, [&](const Caller&) {
      return authorizer_.Authorize(*context, {Scope::kWrite}, [&](const Caller& caller) {
        auto created = imports_.Import(caller.tenant, request->import(), EventRecipient{request->subscription(), request->recipient()});
        if (!created.ok()) return rpc::ToGrpc(created.status());
        *response = std::move(created->video);
        return grpc::Status::OK;
      });
    });
  }

 private:
  SubscriptionRepo& subscriptions_;
  ImportOperations& imports_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeEventService(SubscriptionRepo& subscriptions, ImportOperations& imports, rpc::Authorizer authorizer) {
  return std::make_unique<EventServiceImpl>(subscriptions, imports, std::move(authorizer));
}

}  // namespace vora::metadata
