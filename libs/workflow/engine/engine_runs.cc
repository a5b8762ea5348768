#include "libs/core/caller.h"
#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "libs/core/text.h"
#include "libs/obs/trace.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/definition/retry_policy.h"
#include "libs/workflow/engine/engine_internal.h"

namespace vora::workflow {
namespace {

constexpr size_t kMaxWorkflowName = 500;

Status CheckName(const char* field, const std::string& value, bool required) {
  if (required && value.empty()) return InvalidField(field, "must not be empty");
  if (value.size() > kMaxWorkflowName) {
    return InvalidField(field, std::to_string(value.size()) + " bytes are more than the limit of " + std::to_string(kMaxWorkflowName));
  }
  return CheckPayload(field, value);
}

Event Input(v1::EventType type, nlohmann::json attributes) { return {0, type, 0, std::move(attributes)}; }

Event StartedEvent(const v1::StartWorkflowRequest& request, const std::string& tenant) {
  nlohmann::json attributes{{"workflow_type", request.type()}, {"input", request.input()}, {"tenant", tenant}};
  if (!request.request_id().empty()) attributes["request_id"] = request.request_id();
  return Input(v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, std::move(attributes));
}

}  // namespace

StatusOr<v1::StartWorkflowResponse> Engine::Start(const v1::StartWorkflowRequest& request) {
  VORA_RETURN_IF_ERROR(CheckName("workflow_id", request.workflow_id(), true));
  VORA_RETURN_IF_ERROR(CheckName("type", request.type(), true));
  VORA_RETURN_IF_ERROR(CheckName("tenant", request.tenant(), false));
  VORA_RETURN_IF_ERROR(CheckName("request_id", request.request_id(), false));
  VORA_RETURN_IF_ERROR(CheckName("traceparent", request.traceparent(), false));
  VORA_RETURN_IF_ERROR(CheckPayload("input", request.input()));
  if (!impl_->registry.Find(request.type())) return InvalidField("type", "no workflow of type " + request.type() + " is registered");
  const std::string tenant = request.tenant().empty() ? kDefaultTenant : request.tenant();
  const std::string traceparent = request.traceparent().empty() ? obs::CurrentTrace().ToTraceparent() : request.traceparent();
  const bool allow_closed = request.reuse_policy() == v1::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE;

  v1::StartWorkflowResponse response;
  const auto existing = [&](const repo::RunRow& run) {
    response.set_run_id(run.run_id);
    response.set_started(false);
    return std::optional<repo::RunRow>();
  };
  const Status status = impl_->TransactOn(
      [&](pqxx::work& tx) -> StatusOr<std::optional<repo::RunRow>> {
        // The lock before all look-ups: two starts at once would both find nothing, and one of them would end in a violated unique index
        // instead of the other's run.
        repo::LockWorkflowId(tx, request.workflow_id());
        if (const auto same = repo::FindRunByRequest(tx, request.workflow_id(), request.request_id())) return existing(*same);
        const auto newest = repo::FindRun(tx, request.workflow_id(), "");
        if (newest && newest->running()) return existing(*newest);
        if (newest && !allow_closed) {
          return AlreadyExists("workflow_id: " + request.workflow_id() + " has a closed run " + newest->run_id + " (" + newest->status +
                               ") and reuse_policy does not allow another");
        }
        // Made inside the transaction of its first transition: a run that has no STARTED event and no tasks is never seen by anybody.
        const auto run = repo::InsertRun(tx, {NewId(), request.workflow_id(), tenant, request.type(), request.request_id(), traceparent,
                                              ToMicros(request.execution_timeout())});
        response.set_run_id(run.run_id);
        response.set_started(true);
        return std::optional(run);
      },
      [&](pqxx::work&, repo::RunRow&, Effects&) -> StatusOr<std::optional<Event>> { return std::optional(StartedEvent(request, tenant)); });
  if (!status.ok()) return status;
  return response;
}

Status Engine::Signal(const v1::SignalWorkflowRequest& request) {
  VORA_RETURN_IF_ERROR(CheckName("name", request.name(), true));
  VORA_RETURN_IF_ERROR(CheckName("request_id", request.request_id(), false));
  VORA_RETURN_IF_ERROR(CheckPayload("input", request.input()));
  VORA_ASSIGN_OR_RETURN(const auto run_id, impl_->ResolveRun(request.workflow_id(), request.run_id()));
  return impl_->Transact(run_id, [&](pqxx::work& tx, repo::RunRow& run, Effects&) -> StatusOr<std::optional<Event>> {
    // Before the question whether it is closed: a signal may end the run, and its repetition after a lost answer must still be OK.
    if (!request.request_id().empty() && repo::HasSignal(tx, run_id, request.request_id())) return std::optional<Event>();
    if (!run.running()) return NotFound("workflow " + run.workflow_id + " is closed (" + run.status + ")");
    nlohmann::json attributes{{"name", request.name()}, {"input", request.input()}};
    if (!request.request_id().empty()) attributes["request_id"] = request.request_id();
    return std::optional(Input(v1::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, std::move(attributes)));
  });
}

Status Engine::Cancel(const v1::CancelWorkflowRequest& request) {
  VORA_RETURN_IF_ERROR(CheckPayload("reason", request.reason()));
  VORA_ASSIGN_OR_RETURN(const auto run_id, impl_->ResolveRun(request.workflow_id(), request.run_id()));
  return impl_->Transact(run_id, [&](pqxx::work&, repo::RunRow& run, Effects&) -> StatusOr<std::optional<Event>> {
    if (!run.running() || run.cancel_requested) return std::optional<Event>();
    // Written by the transition together with the event, so that a second cancel adds none.
    run.cancel_requested = true;
    return std::optional(Input(v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED, {{"reason", request.reason()}}));
  });
}

// Ends the run without asking its code, so that it works on parked runs too.
Status Engine::Impl::CloseRun(const std::string& run_id, v1::EventType event, const std::string& status, const std::string& reason) {
  bool closed = false;
  repo::RunRow last;
  VORA_RETURN_IF_ERROR(Write([&](pqxx::work& tx) -> Status {
    closed = false;
    auto run = repo::LockRun(tx, run_id);
    if (!run) return NotFound("no workflow run " + run_id);
    if (!run->running()) return {};
    repo::AppendEvents(tx, run_id, {{run->history_length + 1, event, run->now_us, {{"reason", reason}}}});
    ++run->history_length;
    run->status = status;
    run->close_time_us = run->now_us;
    run->parked_reason.clear();
    v1::Failure failure = MakeFailure(status == "TIMED_OUT" ? "timeout.execution" : "terminated", reason, true);
    run->failure = FailureToJson(failure).dump();
    // Workers that hold its tasks are not asked: their next heartbeat or report finds no row, and ABORTED stops them.
    repo::DeleteOpenWork(tx, run_id);
    repo::UpdateRun(tx, *run);
    closed = true;
    last = *run;
    return {};
  }));
  if (!closed) return {};
  NoteClosed(last);
  wake.RunClosed(run_id);
  return {};
}

Status Engine::Terminate(const v1::TerminateWorkflowRequest& request) {
  VORA_RETURN_IF_ERROR(CheckPayload("reason", request.reason()));
  VORA_ASSIGN_OR_RETURN(const auto run_id, impl_->ResolveRun(request.workflow_id(), request.run_id()));
  return impl_->CloseRun(run_id, v1::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, "TERMINATED", RepairUtf8(request.reason(), 4096));
}

}  // namespace vora::workflow
