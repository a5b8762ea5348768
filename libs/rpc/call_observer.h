#pragma once

// The server interceptor behind libs/rpc/server.h: trace context, RED metrics and a debug log line for each call.

#include <grpcpp/support/server_interceptor.h>

#include <memory>

#include "libs/obs/metrics.h"
#include "libs/rpc/calls_in_flight.h"

namespace vora::rpc {

// Both must outlive the server.
std::unique_ptr<grpc::experimental::ServerInterceptorFactoryInterface> MakeCallObserver(obs::Metrics& metrics, CallsInFlight& calls);

}  // namespace vora::rpc
