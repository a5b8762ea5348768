#include "services/upload/upload_grpc.h"

#include "libs/core/ids.h"
#include "libs/rpc/status.h"
#include "services/upload/upload_proto.h"
#include "vora/upload/v1/upload.grpc.pb.h"

namespace vora::upload {
namespace {

Status CheckId(const std::string& id) { return IsId(id) ? Status() : InvalidArgument("upload_id: must be 32 lower-case hex digits"); }

class UploadGrpcService final : public v1::UploadService::Service {
 public:
  explicit UploadGrpcService(UploadEngine& engine) : engine_(engine) {}

  grpc::Status GetUpload(grpc::ServerContext*, const v1::GetUploadRequest* request, v1::Upload* response) override {
    if (Status valid = CheckId(request->upload_id()); !valid.ok()) return rpc::ToGrpc(valid);
    StatusOr<UploadDoc> doc = engine_.Peek(request->upload_id());
    if (!doc.ok()) return rpc::ToGrpc(doc.status());
    *response = ToProto(*doc);
    return grpc::Status::OK;
  }

  grpc::Status TerminateUpload(grpc::ServerContext*, const v1::TerminateUploadRequest* request, v1::TerminateUploadResponse*) override {
    if (Status valid = CheckId(request->upload_id()); !valid.ok()) return rpc::ToGrpc(valid);
    return rpc::ToGrpc(engine_.Terminate(request->upload_id()));
  }

 private:
  UploadEngine& engine_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeUploadGrpcService(UploadEngine& engine) { return std::make_unique<UploadGrpcService>(engine); }

}  // namespace vora::upload
