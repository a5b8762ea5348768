#pragma once

// The client interceptor behind Connect: a span for each call that Prepare gave a recorded trace.

#include <grpcpp/support/client_interceptor.h>

#include <memory>
#include <vector>

namespace vora::rpc {

std::vector<std::unique_ptr<grpc::experimental::ClientInterceptorFactoryInterface>> ClientSpans();

}  // namespace vora::rpc
