#pragma once

// A unary call as a function: the answer, or a Status with its detail (libs/rpc/status.h).

#include <chrono>

#include <grpcpp/client_context.h>

#include "libs/core/status.h"
#include "libs/rpc/client.h"
#include "libs/rpc/status.h"

namespace vora::rpc {

// `method` of a generated stub, e.g. &UploadService::Stub::GetUpload. With a context of the caller's, whom Prepare has prepared and who may
// cancel it.
template <typename Stub, typename Interface, typename Request, typename Response>
StatusOr<Response> Call(grpc::ClientContext& context, Stub& stub,
                        grpc::Status (Interface::*method)(grpc::ClientContext*, const Request&, Response*), const Request& request) {
  Response response;
  VORA_RETURN_IF_ERROR(FromGrpc((stub.*method)(&context, request, &response)));
  return response;
}

template <typename Stub, typename Interface, typename Request, typename Response>
StatusOr<Response> Call(Stub& stub, grpc::Status (Interface::*method)(grpc::ClientContext*, const Request&, Response*),
                        const Request& request, std::chrono::milliseconds timeout) {
  grpc::ClientContext context;
  Prepare(context, timeout);
  return Call(context, stub, method, request);
}

}  // namespace vora::rpc
