#include "services/metadata/videos/upload_client.h"

#include <chrono>

#include "libs/rpc/client.h"
#include "libs/rpc/status.h"
#include "vora/upload/v1/upload.grpc.pb.h"

namespace vora::metadata {

struct UploadClient::Impl {
  std::unique_ptr<upload::v1::UploadService::Stub> stub;
};

UploadClient::UploadClient(const std::string& target) : impl_(new Impl{upload::v1::UploadService::NewStub(rpc::Connect(target))}) {}
UploadClient::~UploadClient() = default;

StatusOr<upload::v1::Upload> UploadClient::Get(const std::string& upload_id) {
  grpc::ClientContext context;
  rpc::Prepare(context, std::chrono::seconds(5));
  upload::v1::GetUploadRequest request;
  request.set_upload_id(upload_id);
  upload::v1::Upload upload;
  const Status status = rpc::FromGrpc(impl_->stub->GetUpload(&context, request, &upload));
  if (!status.ok()) return Annotate(status, "upload daemon");
  return upload;
}

}  // namespace vora::metadata
