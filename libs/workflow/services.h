#pragma once

// WorkflowService and ActivityService (workflow.proto) over an engine: long polls and waits by callbacks, everything else by sync handlers.

#include <memory>

#include "libs/workflow/dispatcher.h"
#include "libs/workflow/engine.h"
#include "libs/workflow/result_waiters.h"

namespace grpc {
class Service;
}

namespace vora::workflow {

std::unique_ptr<grpc::Service> MakeWorkflowService(Engine& engine, ResultWaiters& waiters);
std::unique_ptr<grpc::Service> MakeActivityService(Engine& engine, Dispatcher& dispatcher);

}  // namespace vora::workflow
