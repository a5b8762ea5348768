#pragma once

// One WatchWorker call as a callback reactor. Heavy (gRPC).

#include <grpcpp/support/server_callback.h>

#include <string>

#include "libs/workflow/service/worker_sessions.h"

namespace vora::workflow {

// Owns itself until the call is done. Ends at once with `refused` unless that is OK.
grpc::ServerWriteReactor<v1::WorkerOrders>* StartWatchStream(WorkerSessions& sessions, const std::string& worker_id, const Status& refused);

}  // namespace vora::workflow
