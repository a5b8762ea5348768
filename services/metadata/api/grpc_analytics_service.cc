#include <grpcpp/server_context.h>

#include "libs/rpc/status.h"
#include "services/metadata/analytics/analytics_queries.h"
#include "services/metadata/analytics/viewer_erasure.h"
#include "services/metadata/api/grpc_answer_internal.h"
#include "services/metadata/api/grpc_services.h"
#include "vora/analytics/v1/queries.grpc.pb.h"

namespace vora::metadata {
namespace {

namespace an = analytics::v1;

class AnalyticsServiceImpl final : public an::AnalyticsQueries::Service {
 public:
  AnalyticsServiceImpl(AnalyticsQueries& queries, ViewerErasure& erasure, rpc::Authorizer authorizer)
      : queries_(queries), erasure_(erasure), authorizer_(std::move(authorizer)) {}

  grpc::Status GetVideoAnalytics(grpc::ServerContext* context, const an::GetVideoAnalyticsRequest* request,
                                 an::VideoAnalytics* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead},
                                 [&](const Caller& caller) { return AnswerUnary(queries_.Video(caller.tenant, *request), response); });
  }
  grpc::Status GetCatalogAnalytics(grpc::ServerContext* context, const an::GetCatalogAnalyticsRequest* request,
                                   an::CatalogAnalytics* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead},
                                 [&](const Caller& caller) { return AnswerUnary(queries_.Catalog(caller.tenant, *request), response); });
  }
  grpc::Status ListSessions(grpc::ServerContext* context, const an::ListSessionsRequest* request,
                            an::ListSessionsResponse* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead},
                                 [&](const Caller& caller) { return AnswerUnary(queries_.Sessions(caller.tenant, *request), response); });
  }
  grpc::Status GetSession(grpc::ServerContext* context, const an::GetSessionRequest* request, an::SessionDetail* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead},
                                 [&](const Caller& caller) { return AnswerUnary(queries_.Session(caller.tenant, *request), response); });
  }
  grpc::Status EraseViewerData(grpc::ServerContext* context, const an::EraseViewerDataRequest* request,
                               an::EraseViewerDataResponse* response) override {
    return authorizer_.Authorize(*context, {Scope::kOperate}, [&](const Caller& caller) {
      const auto erased = erasure_.Erase(caller.tenant, request->viewer_id());
      if (!erased.ok()) return rpc::ToGrpc(erased.status());
      response->set_sessions(erased->sessions());
      response->set_events(erased->events());
      return grpc::Status::OK;
    });
  }

 private:
  AnalyticsQueries& queries_;
  ViewerErasure& erasure_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAnalyticsService(AnalyticsQueries& queries, ViewerErasure& erasure, rpc::Authorizer authorizer) {
  return std::make_unique<AnalyticsServiceImpl>(queries, erasure, std::move(authorizer));
}

}  // namespace vora::metadata
