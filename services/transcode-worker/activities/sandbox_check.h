#pragma once

// Whether the sandbox of child processes holds here, asked before any work is taken.

#include "libs/core/status.h"
#include "services/transcode-worker/activities/worker_context.h"

namespace vora::transcode {

// Starts a child that tells its layers, and another that tries to reach the network; logs the layers once. FAILED_PRECONDITION when
// children would not be held as the worker's options ask, with what to do.
Status CheckSandbox(const WorkerContext& context);

}  // namespace vora::transcode
