#pragma once

// WorkflowService (the fleet; operators for the workflows of their tenant) and ActivityService (the fleet) of workflow.proto over an
// engine: long polls and waits by callbacks, everything else by sync handlers.

#include <memory>

#include "libs/rpc/authorizer.h"
#include "libs/workflow/engine/engine.h"
#include "libs/workflow/service/dispatcher.h"
#include "libs/workflow/service/progress_feed.h"
#include "libs/workflow/service/report_streams.h"
#include "libs/workflow/service/result_waiters.h"
#include "libs/workflow/service/worker_sessions.h"

namespace grpc {
class Service;
}

namespace vora::workflow {

std::unique_ptr<grpc::Service> MakeWorkflowService(Engine& engine, ResultWaiters& waiters, ProgressFeed& progress,
                                                   rpc::Authorizer authorizer);
std::unique_ptr<grpc::Service> MakeActivityService(Engine& engine, Dispatcher& dispatcher, WorkerSessions& sessions, ReportStreams& reports,
                                                   rpc::Authorizer authorizer);

}  // namespace vora::workflow
