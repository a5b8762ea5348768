#pragma once

// vora.upload.v1.UploadService over the engine.

#include <memory>

#include "libs/rpc/gate.h"
#include "services/upload/upload_engine.h"

namespace grpc {
class Service;
}

namespace vora::upload {

// `engine` must outlive the service.
std::unique_ptr<grpc::Service> MakeUploadGrpcService(UploadEngine& engine, rpc::Gate gate);

}  // namespace vora::upload
