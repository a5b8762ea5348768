#include <grpcpp/server_context.h>

#include "services/metadata/api/grpc_answer_internal.h"
#include "services/metadata/api/grpc_services.h"
#include "services/metadata/imports/source_operations.h"
#include "vora/metadata/v1/sources.grpc.pb.h"

namespace vora::metadata {
namespace {

class SourceServiceImpl final : public v1::SourceService::Service {
 public:
  SourceServiceImpl(SourceOperations& sources, rpc::Authorizer authorizer) : sources_(sources), authorizer_(std::move(authorizer)) {}

  grpc::Status ListSources(grpc::ServerContext* context, const v1::ListSourcesRequest*, v1::ListSourcesResponse* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead},
                                 [&](const Caller& caller) { return AnswerUnary(sources_.List(caller.tenant), response); });
  }
  grpc::Status ScanSource(grpc::ServerContext* context, const v1::ScanSourceRequest* request, v1::Scan* response) override {
    return authorizer_.Authorize(*context, {Scope::kWrite}, [&](const Caller& caller) {
      return AnswerUnary(sources_.Scan(caller.tenant, request->name()), response);
    });
  }
  grpc::Status GetScan(grpc::ServerContext* context, const v1::GetScanRequest* request, v1::Scan* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead}, [&](const Caller& caller) {
      return AnswerUnary(sources_.GetScan(caller.tenant, request->name(), request->scan_id()), response);
    });
  }
  grpc::Status ListScans(grpc::ServerContext* context, const v1::ListScansRequest* request, v1::ListScansResponse* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead}, [&](const Caller& caller) {
      return AnswerUnary(sources_.ListScans(caller.tenant, request->name()), response);
    });
  }
  grpc::Status ListScanFiles(grpc::ServerContext* context, const v1::ListScanFilesRequest* request,
                             v1::ListScanFilesResponse* response) override {
    return authorizer_.Authorize(*context, {Scope::kRead}, [&](const Caller& caller) {
      return AnswerUnary(sources_.ListScanFiles(caller.tenant, *request), response);
    });
  }
  grpc::Status CancelScan(grpc::ServerContext* context, const v1::CancelScanRequest* request, v1::Scan* response) override {
    return authorizer_.Authorize(*context, {Scope::kWrite}, [&](const Caller& caller) {
      return AnswerUnary(sources_.CancelScan(caller.tenant, request->name(), request->scan_id()), response);
    });
  }

 private:
  SourceOperations& sources_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeSourceService(SourceOperations& sources, rpc::Authorizer authorizer) {
  return std::make_unique<SourceServiceImpl>(sources, std::move(authorizer));
}

}  // namespace vora::metadata
