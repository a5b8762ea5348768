#include "libs/core/caller.h"
#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "libs/core/priority.h"
#include "libs/core/text.h"
#include "libs/obs/trace.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/definition/retry_policy.h"
#include "libs/workflow/engine/engine_internal.h"

namespace vora::workflow {
namespace {

constexpr size_t kMaxWorkflowName = 500;
constexpr size_t kMaxReason = 4096;

Status CheckRunName(const char* field, const std::string& value, bool required) {
  if (required && value.empty()) return InvalidField(field, "must not be empty");
  if (value.size() > kMaxWorkflowName) {
    return InvalidField(field, std::to_string(value.size()) + " bytes are more than the limit of " + std::to_string(kMaxWorkflowName));
  }
  return CheckPayload(field, value);
}

Event StartedEvent(const v1::StartWorkflowRequest& request, const std::string& tenant) {
  nlohmann::json attributes{{"workflow_type", request.type()}, {"input", request.input()}, {"tenant", tenant}};
  if (!request.request_id().empty()) attributes["request_id"] = request.request_id();
  return {0, v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, 0, std::move(attributes)};
}

struct Starting {
  StartOp op;
  std::shared_ptr<v1::StartWorkflowResponse> response = std::make_shared<v1::StartWorkflowResponse>();  // once it is carried out
};

StatusOr<Starting> StartingOf(const v1::StartWorkflowRequest& request, const Registry& registry) {
  VORA_RETURN_IF_ERROR(CheckRunName("workflow_id", request.workflow_id(), true));
  VORA_RETURN_IF_ERROR(CheckRunName("type", request.type(), true));
  VORA_RETURN_IF_ERROR(CheckRunName("tenant", request.tenant(), false));
  VORA_RETURN_IF_ERROR(CheckRunName("request_id", request.request_id(), false));
  VORA_RETURN_IF_ERROR(CheckRunName("traceparent", request.traceparent(), false));
  VORA_RETURN_IF_ERROR(CheckPayload("input", request.input()));
  VORA_RETURN_IF_ERROR(CheckPriority(request.priority()));
  if (!registry.Find(request.type())) return InvalidField("type", "no workflow of type " + request.type() + " is registered");

  Starting starting;
  RunRow& run = starting.op.run;
  run.run_id = NewId();
  run.workflow_id = request.workflow_id();
  run.tenant = request.tenant().empty() ? kDefaultTenant : request.tenant();
  run.type = request.type();
  run.request_id = request.request_id();
  run.traceparent = request.traceparent().empty() ? obs::CurrentTrace().ToTraceparent() : request.traceparent();
  run.priority = request.priority();
  starting.op.execution_timeout_us = ToMicros(request.execution_timeout());
  starting.op.found = [&request, run_id = run.run_id, response = starting.response](const RunRow* by_request,
                                                                                    const RunRow* newest) -> StatusOr<bool> {
    const RunRow* existing = by_request ? by_request : newest && newest->running() ? newest : nullptr;
    const bool make = !existing;
    response->set_run_id(make ? run_id : existing->run_id);
    response->set_started(make);
    if (!make || !newest || request.reuse_policy() == v1::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE) return make;
    return AlreadyExists("workflow_id: " + request.workflow_id() + " has a closed run " + newest->run_id + " (" + newest->status +
                         ") and reuse_policy does not allow another");
  };
  // Made inside the transaction of its first transition: a run that has no STARTED event and no tasks is never seen by anybody.
  starting.op.apply = [&request, tenant = run.tenant](RunUnit& unit) -> Status {
    unit.Accept(StartedEvent(request, tenant));
    return {};
  };
  return starting;
}

}  // namespace

void Engine::Start(const v1::StartWorkflowRequest& request, Done<StatusOr<v1::StartWorkflowResponse>> done) {
  auto starting = StartingOf(request, impl_->registry);
  if (!starting.ok()) return done(starting.status());
  impl_->executor.Start(std::move(starting->op), [done = std::move(done), response = starting->response](const Status& status) {
    done(status.ok() ? StatusOr<v1::StartWorkflowResponse>(*response) : status);
  });
}

StatusOr<v1::StartWorkflowResponse> Engine::Start(const v1::StartWorkflowRequest& request) {
  VORA_ASSIGN_OR_RETURN(Starting starting, StartingOf(request, impl_->registry));
  VORA_RETURN_IF_ERROR(impl_->executor.Start(std::move(starting.op)));
  return *starting.response;
}

Status Engine::Signal(const v1::SignalWorkflowRequest& request) {
  VORA_RETURN_IF_ERROR(CheckRunName("name", request.name(), true));
  VORA_RETURN_IF_ERROR(CheckRunName("request_id", request.request_id(), false));
  VORA_RETURN_IF_ERROR(CheckPayload("input", request.input()));
  VORA_ASSIGN_OR_RETURN(const auto run_id, impl_->ResolveRun(request.workflow_id(), request.run_id()));
  const auto apply = [&](RunUnit& unit) { return SignalRun(unit, request.name(), request.input(), request.request_id()); };
  return impl_->executor.Run({run_id, {}, apply});
}

Status Engine::Cancel(const v1::CancelWorkflowRequest& request) {
  VORA_RETURN_IF_ERROR(CheckPayload("reason", request.reason()));
  VORA_ASSIGN_OR_RETURN(const auto run_id, impl_->ResolveRun(request.workflow_id(), request.run_id()));
  return impl_->executor.Run({run_id, {}, [&](RunUnit& unit) -> Status {
                                CancelRun(unit, request.reason());
                                return {};
                              }});
}

Status Engine::Terminate(const v1::TerminateWorkflowRequest& request) {
  VORA_RETURN_IF_ERROR(CheckPayload("reason", request.reason()));
  VORA_ASSIGN_OR_RETURN(const auto run_id, impl_->ResolveRun(request.workflow_id(), request.run_id()));
  return impl_->executor.Run({run_id, {}, [&](RunUnit& unit) -> Status {
                                TerminateRun(unit, RepairUtf8(request.reason(), kMaxReason));
                                return {};
                              }});
}

}  // namespace vora::workflow
