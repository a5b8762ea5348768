#include "libs/core/error.h"
#include "libs/core/priority.h"
#include "libs/core/text.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/engine/engine_internal.h"

// What operators change of single runs. Alone: a run may have thousands of tasks, and the replay of one that is parked may take long.

namespace vora::workflow {
namespace {

constexpr size_t kMaxPauseReason = 1000;
constexpr size_t kMaxIdentity = 200;

Status CheckReason(const std::string& reason) {
  if (reason.size() > kMaxPauseReason) {
    const std::string limit = std::to_string(kMaxPauseReason) + " bytes";
    return InvalidField("reason", std::to_string(reason.size()) + " bytes are more than the limit of " + limit, limit);
  }
  return CheckPayload("reason", reason);
}

}  // namespace

Status Engine::Pause(const v1::PauseWorkflowRequest& request) {
  VORA_RETURN_IF_ERROR(CheckReason(request.reason()));
  VORA_RETURN_IF_ERROR(CheckPayload("identity", request.identity()));
  VORA_ASSIGN_OR_RETURN(const auto run_id, impl_->ResolveRun(request.workflow_id(), request.run_id()));
  const std::string by = RepairUtf8(request.identity(), kMaxIdentity);
  return impl_->executor.RunAlone({run_id, {}, [&](RunUnit& unit) { return PauseRun(unit, by, request.reason()); }});
}

Status Engine::Unpause(const v1::UnpauseWorkflowRequest& request) {
  VORA_ASSIGN_OR_RETURN(const auto run_id, impl_->ResolveRun(request.workflow_id(), request.run_id()));
  return impl_->executor.RunAlone({run_id, {}, [](RunUnit& unit) { return UnpauseRun(unit); }});
}

StatusOr<v1::RetryNowResponse> Engine::RetryNow(const v1::RetryNowRequest& request) {
  if (!request.activity_id().empty() && request.scheduled_event_id() != 0) {
    return InvalidField("scheduled_event_id", "must not be given together with activity_id");
  }
  if (request.scheduled_event_id() < 0) return InvalidField("scheduled_event_id", "must not be negative");
  VORA_RETURN_IF_ERROR(CheckPayload("activity_id", request.activity_id()));
  VORA_ASSIGN_OR_RETURN(const auto run_id, impl_->ResolveRun(request.workflow_id(), request.run_id()));
  v1::RetryNowResponse response;
  VORA_RETURN_IF_ERROR(impl_->executor.RunAlone({run_id, {}, [&](RunUnit& unit) -> Status {
                                                   response.Clear();
                                                   const ActivityFilter filter{request.activity_id(), request.scheduled_event_id()};
                                                   VORA_ASSIGN_OR_RETURN(const int retried, RetryActivitiesNow(unit, filter));
                                                   response.set_retried(retried);
                                                   if (!unit.run().parked()) return {};
                                                   unit.TryAgain();
                                                   response.set_tried_parked(true);
                                                   response.set_stuck_reason(unit.run().parked_reason);
                                                   return {};
                                                 }}));
  return response;
}

Status Engine::SetPriority(const v1::SetWorkflowPriorityRequest& request) {
  VORA_RETURN_IF_ERROR(CheckPriority(request.priority()));
  VORA_ASSIGN_OR_RETURN(const auto run_id, impl_->ResolveRun(request.workflow_id(), request.run_id()));
  return impl_->executor.RunAlone({run_id, {}, [&](RunUnit& unit) { return SetRunPriority(unit, request.priority()); }});
}

}  // namespace vora::workflow
