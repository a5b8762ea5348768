#pragma once

// One WatchProgress call as a callback reactor. Heavy (gRPC).

#include <grpcpp/support/server_callback.h>

#include "libs/workflow/service/progress_feed.h"

namespace vora::workflow {

// Owns itself until the call is done. Ends at once with `refused` unless that is OK.
grpc::ServerWriteReactor<v1::WatchProgressResponse>* StartProgressStream(ProgressFeed& feed, const v1::WatchProgressRequest& request,
                                                                         const Status& refused);

}  // namespace vora::workflow
