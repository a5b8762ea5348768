#include <grpcpp/server_context.h>

#include "libs/rpc/status.h"
#include "services/metadata/api/grpc_answer_internal.h"
#include "services/metadata/api/grpc_services.h"
#include "services/metadata/ladders/ladder_operations.h"
#include "vora/metadata/v1/ladders.grpc.pb.h"

namespace vora::metadata {
namespace {

class LadderServiceImpl final : public v1::LadderService::Service {
 public:
  LadderServiceImpl(LadderOperations& ladders, rpc::Authorizer authorizer) : ladders_(ladders), authorizer_(std::move(authorizer)) {}

  grpc::Status ListLadders(grpc::ServerContext* context, const v1::ListLaddersRequest*, v1::ListLaddersResponse* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead},
                                 [&](const Caller& caller) { return AnswerUnary(ladders_.List(caller.tenant), response); });
  }
  grpc::Status GetLadder(grpc::ServerContext* context, const v1::GetLadderRequest* request, v1::StoredLadder* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead},
                                 [&](const Caller& caller) { return AnswerUnary(ladders_.Get(caller.tenant, *request), response); });
  }
  grpc::Status PutLadder(grpc::ServerContext* context, const v1::PutLadderRequest* request, v1::StoredLadder* response) override {
    return authorizer_.Authorize(*context, {Scope::kWrite}, [&](const Caller& caller) {
      auto put = ladders_.Put(caller.tenant, request->ladder());
      if (!put.ok()) return rpc::ToGrpc(put.status());
      *response = std::move(put->ladder);
      return grpc::Status::OK;
    });
  }
  grpc::Status DeleteLadder(grpc::ServerContext* context, const v1::DeleteLadderRequest* request, v1::DeleteLadderResponse*) override {
    return authorizer_.Authorize(*context, {Scope::kWrite},
                                 [&](const Caller& caller) { return rpc::ToGrpc(ladders_.Delete(caller.tenant, request->name())); });
  }
  grpc::Status SetDefaultLadder(grpc::ServerContext* context, const v1::SetDefaultLadderRequest* request,
                                v1::StoredLadder* response) override {
    return authorizer_.Authorize(*context, {Scope::kWrite}, [&](const Caller& caller) {
      return AnswerUnary(ladders_.SetDefault(caller.tenant, request->name()), response);
    });
  }
  grpc::Status PreviewLadder(grpc::ServerContext* context, const v1::PreviewLadderRequest* request, v1::LadderPreview* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead},
                                 [&](const Caller& caller) { return AnswerUnary(ladders_.Preview(caller.tenant, *request), response); });
  }

 private:
  LadderOperations& ladders_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeLadderService(LadderOperations& ladders, rpc::Authorizer authorizer) {
  return std::make_unique<LadderServiceImpl>(ladders, std::move(authorizer));
}

}  // namespace vora::metadata
