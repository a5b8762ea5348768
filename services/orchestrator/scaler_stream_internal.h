#pragma once

// One StreamIsActive call as a callback reactor. Heavy (gRPC).

#include <grpcpp/support/server_callback.h>

#include "externalscaler/externalscaler.pb.h"
#include "services/orchestrator/scaler_feed.h"
#include "services/orchestrator/scaler_policy.h"

namespace vora::orchestrator {

// Owns itself until the call is done. A trigger that is none ends the call with its status.
grpc::ServerWriteReactor<externalscaler::IsActiveResponse>* StartActiveStream(ScalerFeed& feed, const StatusOr<ScalerTrigger>& trigger);

}  // namespace vora::orchestrator
