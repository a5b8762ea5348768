#include <algorithm>
#include <cmath>

#include "libs/core/error.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/definition/retry_policy.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/engine/engine_spans_internal.h"
#include "libs/workflow/store/claim_repo_internal.h"

namespace vora::workflow {
namespace {

constexpr size_t kMaxAnswerBytes = 3 << 20;  // below gRPC's 4 MiB

void SetDuration(google::protobuf::Duration* duration, int64_t us) {
  duration->set_seconds(us / 1'000'000);
  duration->set_nanos(static_cast<int32_t>(us % 1'000'000 * 1000));
}

v1::ActivityTask ToActivityTask(TaskRow row) {
  v1::ActivityTask task;
  task.set_task_token(TaskToken::Of(row).Encode());
  task.set_workflow_id(std::move(row.workflow_id));
  task.set_run_id(std::move(row.run_id));
  task.set_tenant(std::move(row.tenant));
  task.set_activity_type(std::move(row.activity_type));
  task.set_activity_id(std::move(row.activity_id));
  task.set_input(std::move(row.input));
  task.set_attempt(row.attempt);
  task.set_checkpoint(std::move(row.checkpoint));
  task.set_affinity_key(std::move(row.affinity_key));
  task.set_traceparent(std::move(row.traceparent));
  task.set_scheduled_event_id(row.scheduled_event_id);
  SetDuration(task.mutable_heartbeat_timeout(), row.heartbeat_us);
  SetDuration(task.mutable_start_to_close_timeout(), row.start_to_close_us);
  return task;
}

Status CheckFailure(const v1::Failure& failure) {
  VORA_RETURN_IF_ERROR(CheckPayload("failure.code", failure.code()));
  VORA_RETURN_IF_ERROR(CheckPayload("failure.message", failure.message()));
  return CheckPayload("failure.details", failure.details());
}

}  // namespace

StatusOr<std::vector<v1::ActivityTask>> Engine::Claim(const v1::PollActivitiesRequest& request) {
  if (request.queue().empty()) return InvalidField("queue", "must not be empty");
  VORA_RETURN_IF_ERROR(CheckPayload("queue", request.queue()));
  VORA_RETURN_IF_ERROR(CheckPayload("worker_id", request.worker_id()));
  for (const auto& type : request.activity_types()) VORA_RETURN_IF_ERROR(CheckPayload("activity_types", type));
  if (request.max_tasks() < 1 || request.max_tasks() > 100) return InvalidField("max_tasks", "must be 1 to 100");
  if (request.max_siblings() < 0 || request.max_siblings() > 100) return InvalidField("max_siblings", "must be 0 to 100");
  repo::ClaimFilter filter{
      request.queue(), request.worker_id(), {request.activity_types().begin(), request.activity_types().end()}, "", ""};
  std::vector<v1::ActivityTask> tasks;
  std::vector<std::pair<std::string, int64_t>> waits;
  std::vector<obs::SpanRecord> spans;
  size_t bytes = 0;
  int64_t deadline_us = 0, now_us = 0;
  // The claim's UPDATE has happened before the sizes are known, so what does not fit is given back. `bytes` keeps counting it, which ends
  // the loop below.
  const auto take = [&](pqxx::work& tx, TaskRow row) {
    bytes += row.input.size() + row.checkpoint.size();
    if (bytes > kMaxAnswerBytes && !tasks.empty()) return repo::Unclaim(tx, row.key());  // for the next poll
    now_us = row.started_time_us.value_or(row.visible_at_us);
    for (const auto& deadline : {row.attempt_deadline_us, row.lease_deadline_us}) {
      if (deadline && (deadline_us == 0 || *deadline < deadline_us)) deadline_us = *deadline;
    }
    waits.emplace_back(row.activity_type, now_us - row.visible_at_us);
    AddWaitSpan(row, spans);
    tasks.push_back(ToActivityTask(std::move(row)));
  };
  const Status status = impl_->Write([&](pqxx::work& tx) -> Status {
    tasks.clear();
    waits.clear();
    spans.clear();
    bytes = 0;
    deadline_us = 0;
    if (request.max_siblings() == 0) {
      for (auto& row : repo::ClaimTasks(tx, filter, request.max_tasks())) take(tx, std::move(row));
      return {};
    }
    // One by one, so that a further task is not a sibling of the one before.
    for (int i = 0; i < request.max_tasks() && bytes < kMaxAnswerBytes; ++i) {
      auto first = repo::ClaimTasks(tx, filter, 1);
      if (first.empty()) break;
      if (!first[0].affinity_key.empty()) {
        repo::ClaimFilter siblings = filter;
        siblings.activity_types = {first[0].activity_type};
        siblings.run_id = first[0].run_id;
        siblings.affinity_key = first[0].affinity_key;
        for (auto& row : repo::ClaimTasks(tx, siblings, request.max_siblings())) first.push_back(std::move(row));
      }
      for (auto& row : first) take(tx, std::move(row));
    }
    return {};
  });
  if (!status.ok()) return status;
  if (deadline_us > 0) impl_->wake.DueAfter(std::chrono::microseconds(deadline_us - now_us));
  for (const auto& [type, waited_us] : waits) impl_->NoteClaimed(type, waited_us);
  for (auto& span : spans) obs::RecordSpan(std::move(span));
  return tasks;
}

StatusOr<bool> Engine::Heartbeat(const v1::HeartbeatActivityRequest& request) {
  VORA_ASSIGN_OR_RETURN(const auto token, TaskToken::Decode(request.task_token()));
  VORA_RETURN_IF_ERROR(CheckPayload("checkpoint", request.checkpoint()));
  if (!(request.progress() >= 0 && request.progress() <= 1)) return InvalidField("progress", "must be 0 to 1");
  bool cancel_requested = false;
  const Status status = impl_->Write([&](pqxx::work& tx) -> Status {
    // No lock of the run: heartbeats are frequent, and must not queue up for it among transitions.
    const auto row = repo::Heartbeat(tx, token.key(), token.lease, request.checkpoint(), request.progress());
    if (!row) return StaleToken(token);
    cancel_requested = row->cancel_requested;
    return {};
  });
  if (!status.ok()) return status;
  return cancel_requested;
}

Status Engine::Complete(const v1::CompleteActivityRequest& request) {
  VORA_ASSIGN_OR_RETURN(const auto token, TaskToken::Decode(request.task_token()));
  VORA_RETURN_IF_ERROR(CheckPayload("result", request.result()));
  const auto apply = [&](RunUnit& unit) { return CompleteTask(unit, token, request.result()); };
  return impl_->executor.Run({token.run_id, {token.event_id}, apply});
}

StatusOr<bool> Engine::Fail(const v1::FailActivityRequest& request) {
  VORA_ASSIGN_OR_RETURN(const auto token, TaskToken::Decode(request.task_token()));
  VORA_RETURN_IF_ERROR(CheckFailure(request.failure()));
  v1::Failure failure = request.failure();
  if (failure.code().empty()) failure.set_code("unknown");
  bool will_retry = false;
  VORA_RETURN_IF_ERROR(impl_->executor.Run({token.run_id, {token.event_id}, [&](RunUnit& unit) -> Status {
                                              VORA_ASSIGN_OR_RETURN(will_retry, FailTask(unit, token, failure, request.canceled()));
                                              return {};
                                            }}));
  return will_retry;
}

Status Engine::Release(const v1::ReleaseActivityRequest& request) {
  VORA_ASSIGN_OR_RETURN(const auto token, TaskToken::Decode(request.task_token()));
  VORA_RETURN_IF_ERROR(CheckPayload("checkpoint", request.checkpoint()));
  const auto apply = [&](RunUnit& unit) { return ReleaseTask(unit, token, request.checkpoint()); };
  return impl_->executor.Run({token.run_id, {token.event_id}, apply});
}

}  // namespace vora::workflow
