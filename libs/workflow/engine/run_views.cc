#include "libs/workflow/engine/run_views_internal.h"

namespace vora::workflow {
namespace {

v1::WorkflowStatus ParseStatus(const std::string& name) {
  v1::WorkflowStatus status = v1::WORKFLOW_STATUS_UNSPECIFIED;
  v1::WorkflowStatus_Parse("WORKFLOW_STATUS_" + name, &status);
  return status;
}

}  // namespace

void SetTime(google::protobuf::Timestamp* time, int64_t us) {
  time->set_seconds(us / 1'000'000);
  time->set_nanos(static_cast<int32_t>(us % 1'000'000 * 1000));
}

v1::Failure ParseFailure(const std::string& json) { return FailureFromJson(nlohmann::json::parse(json)); }

v1::WorkflowInfo ToWorkflowInfo(const RunRow& run) {
  v1::WorkflowInfo info;
  info.set_workflow_id(run.workflow_id);
  info.set_run_id(run.run_id);
  info.set_type(run.type);
  info.set_tenant(run.tenant);
  info.set_status(ParseStatus(run.status));
  SetTime(info.mutable_start_time(), run.start_time_us);
  if (run.close_time_us) SetTime(info.mutable_close_time(), *run.close_time_us);
  info.set_history_length(run.history_length);
  info.set_result(run.result);
  if (!run.failure.empty()) *info.mutable_failure() = ParseFailure(run.failure);
  info.set_cancel_requested(run.cancel_requested);
  info.set_priority(run.priority);
  info.set_stuck_reason(run.parked_reason);
  if (run.running() && run.paused()) {
    info.set_paused(true);
    SetTime(info.mutable_paused_time(), *run.paused_at_us);
    info.set_paused_by(run.paused_by);
    info.set_pause_reason(run.pause_reason);
  }
  return info;
}

v1::FailedAttempt ToFailedAttempt(const AttemptRow& row) {
  v1::FailedAttempt attempt;
  attempt.set_scheduled_event_id(row.key.event_id);
  attempt.set_activity_type(row.activity_type);
  attempt.set_activity_id(row.activity_id);
  attempt.set_attempt(row.attempt);
  attempt.set_worker_id(row.worker_id);
  SetTime(attempt.mutable_started_time(), row.started_time_us);
  SetTime(attempt.mutable_ended_time(), row.ended_time_us);
  attempt.set_outcome(row.outcome);
  *attempt.mutable_failure() = ParseFailure(row.failure);
  return attempt;
}

}  // namespace vora::workflow
