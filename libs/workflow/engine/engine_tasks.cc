#include <algorithm>
#include <cmath>

#include "libs/core/error.h"
#include "libs/log/log.h"
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

v1::ActivityTask ToActivityTask(repo::TaskRow row) {
  v1::ActivityTask task;
  task.set_task_token(TaskToken{row.run_id, row.scheduled_event_id, row.lease}.Encode());
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

bool Current(const std::optional<repo::TaskRow>& task, const TaskToken& token) {
  // The lease alone does not do: after a release or a failure the row keeps it until the next claim.
  return task && task->started && task->lease == token.lease;
}

Status CheckFailure(const v1::Failure& failure) {
  VORA_RETURN_IF_ERROR(CheckPayload("failure.code", failure.code()));
  VORA_RETURN_IF_ERROR(CheckPayload("failure.message", failure.message()));
  return CheckPayload("failure.details", failure.details());
}

}  // namespace

StatusOr<std::vector<v1::ActivityTask>> Engine::Claim(const v1::PollActivitiesRequest& request) {
  if (request.queue().empty()) return InvalidField("queue", "must not be empty");
  if (request.max_tasks() < 1 || request.max_tasks() > 100) return InvalidField("max_tasks", "must be 1 to 100");
  if (request.max_siblings() < 0 || request.max_siblings() > 100) return InvalidField("max_siblings", "must be 0 to 100");
  const repo::ClaimFilter filter{
      request.queue(), request.worker_id(), {request.activity_types().begin(), request.activity_types().end()}, "", ""};
  std::vector<v1::ActivityTask> tasks;
  std::vector<std::pair<std::string, int64_t>> waits;
  std::vector<obs::SpanRecord> spans;
  size_t bytes = 0;
  // The claim's UPDATE has happened before the sizes are known, so what does not fit is given back. `bytes` keeps counting it, which ends
  // the loop below.
  const auto take = [&](pqxx::work& tx, repo::TaskRow row) {
    bytes += row.input.size() + row.checkpoint.size();
    if (bytes > kMaxAnswerBytes && !tasks.empty()) return repo::RescheduleTask(tx, row, row.visible_at_us);  // for the next poll
    waits.emplace_back(row.activity_type, row.started_time_us.value_or(row.visible_at_us) - row.visible_at_us);
    AddWaitSpan(row, spans);
    tasks.push_back(ToActivityTask(std::move(row)));
  };
  const Status status = impl_->Write([&](pqxx::work& tx) -> Status {
    tasks.clear();
    waits.clear();
    spans.clear();
    bytes = 0;
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
  std::string type;
  int64_t took_us = 0;
  const Status status = impl_->Transact(token.run_id, [&](pqxx::work& tx, repo::RunRow& run, Effects&) -> StatusOr<std::optional<Event>> {
    type.clear();
    const auto task = repo::LockTask(tx, token.key());
    if (!Current(task, token)) {
      // The worker did not hear that its first report was taken: the repetition is OK, and nothing happens twice.
      if (repo::WasTaken(tx, token.key(), token.lease)) return std::optional<Event>();
      return StaleToken(token);
    }
    repo::DeleteTask(tx, token.key());
    auto attributes = EndAttributes(*task);
    attributes["result"] = request.result();
    type = task->activity_type;
    took_us = run.now_us - task->started_time_us.value_or(run.now_us);
    return std::optional(Event{0, v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, 0, std::move(attributes)});
  });
  if (status.ok() && !type.empty()) impl_->NoteCompleted(type, took_us);
  return status;
}

std::optional<Event> Engine::Impl::EndAttempt(pqxx::work& tx, const repo::RunRow& run, repo::TaskRow task, const v1::Failure& failure,
                                              v1::EventType event, nlohmann::json extra, Effects& effects, bool* will_retry) {
  *will_retry = false;
  auto attributes = EndAttributes(task);
  // The workflow has gone on without it (its wait is resolved): another attempt would be work for nobody, whatever the failure was.
  if (task.cancel_requested) {
    repo::DeleteTask(tx, {task.run_id, task.scheduled_event_id});
    return Event{0, v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED, 0, std::move(attributes)};
  }
  const auto delay = NextAttemptDelay(task.retry, task.attempt, failure, run.now_us, task.schedule_to_close_deadline_us);
  if (delay) {
    *will_retry = true;
    ++task.attempt;
    task.last_failure = FailureToJson(failure).dump();
    repo::RescheduleTask(tx, task, run.now_us + *delay);
    // A later attempt is announced by the clock of this process alone; should it vanish, the pollers' own interval finds the task.
    if (*delay == 0) effects.ready_queues.insert(task.queue);
    if (*delay > 0) wake.QueueReadyAfter(task.queue, std::chrono::microseconds(*delay));
    return std::nullopt;
  }
  repo::DeleteTask(tx, {task.run_id, task.scheduled_event_id});
  attributes["failure"] = FailureToJson(failure);
  attributes.update(extra);
  return Event{0, event, 0, std::move(attributes)};
}

StatusOr<bool> Engine::Fail(const v1::FailActivityRequest& request) {
  VORA_ASSIGN_OR_RETURN(const auto token, TaskToken::Decode(request.task_token()));
  VORA_RETURN_IF_ERROR(CheckFailure(request.failure()));
  v1::Failure failure = request.failure();
  if (failure.code().empty()) failure.set_code("unknown");
  bool will_retry = false;
  std::string type;
  const Status status =
      impl_->Transact(token.run_id, [&](pqxx::work& tx, repo::RunRow& run, Effects& effects) -> StatusOr<std::optional<Event>> {
        will_retry = false;
        type.clear();
        auto task = repo::LockTask(tx, token.key());
        if (!Current(task, token)) {
          // Repeated after a lost answer. A claim in between does not matter: the number is kept until the next report.
          if (task && task->last_reported_lease == token.lease) {
            will_retry = true;
            return std::optional<Event>();
          }
          if (repo::WasTaken(tx, token.key(), token.lease)) return std::optional<Event>();
          return StaleToken(token);
        }
        type = task->activity_type;
        return impl_->EndAttempt(tx, run, std::move(*task), failure, v1::EVENT_TYPE_ACTIVITY_TASK_FAILED, nlohmann::json::object(), effects,
                                 &will_retry);
      });
  if (!status.ok()) return status;
  if (!type.empty()) impl_->CountAttempt(type, will_retry ? "retried" : request.canceled() ? "canceled" : "failed");
  return will_retry;
}

Status Engine::Release(const v1::ReleaseActivityRequest& request) {
  VORA_ASSIGN_OR_RETURN(const auto token, TaskToken::Decode(request.task_token()));
  VORA_RETURN_IF_ERROR(CheckPayload("checkpoint", request.checkpoint()));
  std::string type;
  const Status status =
      impl_->Transact(token.run_id, [&](pqxx::work& tx, repo::RunRow& run, Effects& effects) -> StatusOr<std::optional<Event>> {
        type.clear();
        auto task = repo::LockTask(tx, token.key());
        if (!Current(task, token)) {
          if (task && task->last_reported_lease == token.lease) return std::optional<Event>();
          if (repo::WasTaken(tx, token.key(), token.lease)) return std::optional<Event>();
          return StaleToken(token);
        }
        type = task->activity_type;
        if (task->cancel_requested) {
          repo::DeleteTask(tx, token.key());
          return std::optional(Event{0, v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED, 0, EndAttributes(*task)});
        }
        // The attempt is not raised: a worker that drains has not failed. The row's checkpoint stays where it has no newer one.
        if (!request.checkpoint().empty()) task->checkpoint = request.checkpoint();
        repo::RescheduleTask(tx, *task, run.now_us);
        effects.ready_queues.insert(task->queue);
        return std::optional<Event>();
      });
  if (status.ok() && !type.empty()) impl_->CountAttempt(type, "released");
  return status;
}

}  // namespace vora::workflow
