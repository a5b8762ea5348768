#pragma once

// Between vora::Status and grpc::Status. The codes are the same numbers; the detail (libs/core/error.h) travels as google.rpc.ErrorInfo
// (domain "vora"), BadRequest when it names a field, and RetryInfo.

#include <grpcpp/support/status.h>

#include "libs/core/status.h"

namespace vora::rpc {

grpc::Status ToGrpc(const Status& status);
Status FromGrpc(const grpc::Status& status);

}  // namespace vora::rpc
