#pragma once

// GatewayService over gRPC: mints playback tokens for services inside the fleet. There is no public door to it.

#include <memory>

#include "libs/rpc/authorizer.h"
#include "services/streaming-gateway/access.h"

namespace grpc {
class Service;
}

namespace vora::gateway {

// `access` must outlive the service.
std::unique_ptr<grpc::Service> MakeGatewayService(const Access& access, rpc::Authorizer authorizer);

}  // namespace vora::gateway
