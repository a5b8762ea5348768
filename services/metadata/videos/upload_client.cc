#include "services/metadata/videos/upload_client.h"

#include <chrono>

#include "libs/rpc/call.h"
#include "vora/upload/v1/upload.grpc.pb.h"

namespace vora::metadata {
namespace {

constexpr std::chrono::seconds kUploadTimeout{5};

}  // namespace

struct UploadClient::Impl {
  std::unique_ptr<upload::v1::UploadService::Stub> stub;
};

UploadClient::UploadClient(const std::string& target) : impl_(new Impl{upload::v1::UploadService::NewStub(rpc::Connect(target))}) {}
UploadClient::~UploadClient() = default;

StatusOr<upload::v1::Upload> UploadClient::Get(const std::string& upload_id) {
  upload::v1::GetUploadRequest request;
  request.set_upload_id(upload_id);
  auto upload = rpc::Call(*impl_->stub, &upload::v1::UploadService::Stub::GetUpload, request, kUploadTimeout);
  if (!upload.ok()) return Annotate(upload.status(), "upload daemon");
  return upload;
}

}  // namespace vora::metadata
