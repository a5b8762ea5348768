#pragma once

// vora.upload.v1.UploadService over the engine.

#include <memory>

#include "libs/rpc/authorizer.h"
#include "services/upload/receive/upload_engine.h"

namespace grpc {
class Service;
}

namespace vora::upload {

// `engine` must outlive the service.
std::unique_ptr<grpc::Service> MakeUploadGrpcService(UploadEngine& engine, rpc::Authorizer authorizer);

}  // namespace vora::upload
