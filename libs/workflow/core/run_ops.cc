#include "libs/workflow/core/run_ops.h"

#include "libs/core/error.h"
#include "libs/workflow/core/group_rules.h"
#include "libs/workflow/core/task_rules.h"

namespace vora::workflow {
namespace {

// The lease alone does not do: after a release or a failure the row keeps it until the next claim.
TaskRow* FindCurrent(RunUnit& unit, const TaskToken& token) {
  TaskRow* task = unit.FindTask(token.event_id);
  return task && task->started && task->lease == token.lease ? task : nullptr;
}

// Whether the report of an attempt that is over was taken, or another one's: the worker did not hear that it was.
Status TakenBefore(RunUnit& unit, const TaskToken& token) {
  return unit.WasTaken(token.event_id, token.lease) ? Status() : StaleToken(token);
}

void Count(RunUnit& unit, const TaskRow& task, const char* result, int64_t took_us = -1) {
  unit.effects().counts.push_back({task.activity_type, result, took_us});
}

// Whether it has reported this attempt, and the task was put back by that. A claim in between does not matter: the number is kept until the
// next report.
bool PutBackBefore(RunUnit& unit, const TaskToken& token) {
  const TaskRow* later = unit.FindTask(token.event_id);
  return later && later->last_reported_lease == token.lease;
}

void Put(RunUnit& unit, TaskRow& task) { task.cancel_requested ? EndCanceled(unit, task) : Reschedule(unit, task, unit.run().now_us); }

}  // namespace

Status CompleteTask(RunUnit& unit, const TaskToken& token, const std::string& result) {
  TaskRow* task = FindCurrent(unit, token);
  if (!task) return TakenBefore(unit, token);
  if (!task->items.empty()) return InvalidField("result", "the activity is a group: each of its items has a result");
  auto attributes = EndAttributes(*task);
  attributes["result"] = result;
  Count(unit, *task, "completed", unit.run().now_us - task->started_time_us.value_or(unit.run().now_us));
  unit.EndTask(token.event_id);
  unit.Accept({0, v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, 0, std::move(attributes)});
  return {};
}

Status CompleteItems(RunUnit& unit, const TaskToken& token, const std::map<std::string, v1::ItemOutcome>& outcomes,
                     const std::string& checkpoint, bool more) {
  TaskRow* task = FindCurrent(unit, token);
  if (!task) {
    // The last report of an attempt may overtake an early one, which it makes moot.
    if (more) return StaleToken(token);
    return PutBackBefore(unit, token) ? Status() : TakenBefore(unit, token);
  }
  if (task->items.empty()) return InvalidField("items", "the activity is no group");
  if (more) {
    EndItemsEarly(unit, *task, outcomes);
    return {};
  }
  const std::string type = task->activity_type;
  const int64_t took_us = unit.run().now_us - task->started_time_us.value_or(unit.run().now_us);
  if (!checkpoint.empty()) task->checkpoint = checkpoint;
  const bool again = EndItems(unit, *task, outcomes);
  unit.effects().counts.push_back(again ? Effects::Count{type, "retried"} : Effects::Count{type, "completed", took_us});
  return {};
}

StatusOr<bool> FailTask(RunUnit& unit, const TaskToken& token, const v1::Failure& failure, bool canceled,
                        std::optional<int64_t> next_retry_delay_us) {
  TaskRow* task = FindCurrent(unit, token);
  if (!task) {
    if (PutBackBefore(unit, token)) return true;
    VORA_RETURN_IF_ERROR(TakenBefore(unit, token));
    return false;
  }
  const std::string type = task->activity_type;
  AttemptEnd end;
  end.failure = failure;
  end.next_retry_delay_us = next_retry_delay_us;
  const bool will_retry = EndAttempt(unit, *task, end);
  unit.effects().counts.push_back({type, will_retry ? "retried" : canceled ? "canceled" : "failed"});
  return will_retry;
}

Status ReleaseTask(RunUnit& unit, const TaskToken& token, const std::string& checkpoint) {
  TaskRow* task = FindCurrent(unit, token);
  if (!task) return PutBackBefore(unit, token) ? Status() : TakenBefore(unit, token);
  Count(unit, *task, "released");
  // The row's checkpoint stays where the worker has no newer one.
  if (!checkpoint.empty()) task->checkpoint = checkpoint;
  task->last_reported_lease = token.lease;
  Put(unit, *task);
  return {};
}

void LoseTask(RunUnit& unit, const TaskToken& token, const std::string& reason) {
  TaskRow* task = FindCurrent(unit, token);
  if (!task) return;
  Count(unit, *task, "lost");
  (void)EndAttempt(unit, *task, LostWith(*task, reason));
}

void ReturnTask(RunUnit& unit, const TaskToken& token) {
  TaskRow* task = FindCurrent(unit, token);
  if (!task) return;
  Count(unit, *task, "released");
  Put(unit, *task);
}

void ExpireTask(RunUnit& unit, int64_t id, bool expire_leases) {
  // Judged anew under the lock: since the deadline was read a heartbeat, a report or another replica's pass may have come first.
  TaskRow* task = unit.FindTask(id);
  if (!task) return;
  const auto overdue = FindOverdue(*task, unit.run().now_us, expire_leases);
  if (!overdue) return;
  Count(unit, *task, overdue->lost ? "lost" : "timed_out");
  (void)EndAttempt(unit, *task, *overdue);
}

void FireTimer(RunUnit& unit, int64_t id) {
  // Replicas look side by side: whoever takes the row fires the timer.
  if (!unit.run().running() || !unit.TakeTimer(id)) return;
  unit.Accept({0, v1::EVENT_TYPE_TIMER_FIRED, 0, {{"started_event_id", id}}});
}

Status SignalRun(RunUnit& unit, const std::string& name, const std::string& input, const std::string& request_id) {
  // Before the question whether it is closed: a signal may end the run, and its repetition after a lost answer must still be OK.
  if (!request_id.empty() && unit.HasSignal(request_id)) return {};
  if (!unit.run().running()) return NotFound("workflow " + unit.run().workflow_id + " is closed (" + unit.run().status + ")");
  nlohmann::json attributes{{"name", name}, {"input", input}};
  if (!request_id.empty()) attributes["request_id"] = request_id;
  unit.Accept({0, v1::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, 0, std::move(attributes)});
  return {};
}

void CancelRun(RunUnit& unit, const std::string& reason) {
  if (!unit.run().running() || unit.run().cancel_requested) return;
  // Compensation wants workers.
  if (unit.run().paused()) (void)UnpauseRun(unit);
  // Written together with the event, so that a second cancel adds none.
  unit.mutable_run().cancel_requested = true;
  unit.Accept({0, v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED, 0, {{"reason", reason}}});
}

void TerminateRun(RunUnit& unit, const std::string& reason) {
  unit.CloseFromOutside(v1::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED, "TERMINATED", MakeFailure("terminated", reason, true));
}

void TimeOutRun(RunUnit& unit) {
  const RunRow& run = unit.run();
  if (!run.execution_deadline_us || *run.execution_deadline_us > run.now_us) return;
  unit.CloseFromOutside(v1::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT, "TIMED_OUT",
                        MakeFailure("timeout.execution", "the workflow's execution_timeout is over", true));
}

}  // namespace vora::workflow
