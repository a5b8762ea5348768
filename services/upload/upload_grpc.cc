#include "services/upload/upload_grpc.h"

#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "libs/rpc/status.h"
#include "services/upload/state/upload_proto.h"
#include "vora/upload/v1/upload.grpc.pb.h"

namespace vora::upload {
namespace {

Status CheckId(const std::string& id) { return IsId(id) ? Status() : InvalidField("upload_id", "must be 32 lower-case hex digits"); }

class UploadGrpcService final : public v1::UploadService::Service {
 public:
  UploadGrpcService(UploadEngine& engine, rpc::Authorizer authorizer) : engine_(engine), authorizer_(std::move(authorizer)) {}

  grpc::Status GetUpload(grpc::ServerContext* context, const v1::GetUploadRequest* request, v1::Upload* response) override {
    return authorizer_.Authorize(*context, {Scope::kUpload, Scope::kRead, Scope::kFleet}, [&](const Caller& caller) {
      if (Status valid = CheckId(request->upload_id()); !valid.ok()) return rpc::ToGrpc(valid);
      StatusOr<UploadDoc> doc = engine_.Peek(caller, request->upload_id());
      if (!doc.ok()) return rpc::ToGrpc(doc.status());
      *response = ToProto(*doc);
      return grpc::Status::OK;
    });
  }

  grpc::Status TerminateUpload(grpc::ServerContext* context, const v1::TerminateUploadRequest* request,
                               v1::TerminateUploadResponse*) override {
    return authorizer_.Authorize(*context, {Scope::kUpload, Scope::kFleet}, [&](const Caller& caller) {
      if (Status valid = CheckId(request->upload_id()); !valid.ok()) return rpc::ToGrpc(valid);
      return rpc::ToGrpc(engine_.Terminate(caller, request->upload_id()));
    });
  }

 private:
  UploadEngine& engine_;
  const rpc::Authorizer authorizer_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeUploadGrpcService(UploadEngine& engine, rpc::Authorizer authorizer) {
  return std::make_unique<UploadGrpcService>(engine, std::move(authorizer));
}

}  // namespace vora::upload
