#include "libs/workflow/core/run_ops.h"

#include "libs/core/error.h"
#include "libs/workflow/core/group_rules.h"
#include "libs/workflow/core/task_rules.h"

namespace vora::workflow {
namespace {

// The lease alone does not do: after a release or a failure the row keeps it until the next claim.
TaskRow* FindCurrent(RunUnit& unit, const TaskToken& token) {
  TaskRow* task = unit.FindTask(token.event_id);
  if (!task || !task->started) return nullptr;
  const bool current = task->lease == token.lease || (task->has_second() && task->second->lease == token.lease);
  return current ? task : nullptr;
}

// Who reports stands in the place of the first from then on; true: it was the second.
bool StandIn(RunUnit& unit, TaskRow& task, const TaskToken& token) {
  if (task.lease == token.lease) return false;
  SwapAttempts(task);
  unit.Touch(task);
  return true;
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

void Put(RunUnit& unit, TaskRow& task) { task.cancel_requested ? EndCanceled(unit, task) : GoOn(unit, task, unit.run().now_us); }

// What tells how fast its worker is: an earlier attempt may have done some of the work.
std::optional<Effects::Done> WhatIsDone(const TaskRow& task, double cost, int64_t took_us = -1) {
  if (!task.allows_second || task.second || task.attempt > 1) return std::nullopt;
  return Effects::Done{task.queue, task.worker_id, task.lease, cost, took_us};
}
void Note(RunUnit& unit, std::optional<Effects::Done> done) {
  if (done) unit.effects().done.push_back(*std::move(done));
}

// Whether of two attempts the one that reports was begun later.
bool IsSecond(const TaskRow& task) { return task.has_second() && task.second->started_time_us < task.started_time_us; }

}  // namespace

Status CompleteTask(RunUnit& unit, const TaskToken& token, const std::string& result) {
  TaskRow* task = FindCurrent(unit, token);
  if (!task) return TakenBefore(unit, token);
  if (!task->items.empty()) return InvalidField("result", "the activity is a group: each of its items has a result");
  StandIn(unit, *task, token);
  auto attributes = EndAttributes(*task);
  attributes["result"] = result;
  const int64_t took_us = unit.run().now_us - task->started_time_us.value_or(unit.run().now_us);
  Count(unit, *task, "completed", took_us);
  Note(unit, WhatIsDone(*task, task->estimated_cost, took_us));
  if (IsSecond(*task)) ++unit.effects().second_attempts_won;
  EndForGood(unit, *task);
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
  const bool second = StandIn(unit, *task, token);
  if (more) {
    const double cost = task->estimated_cost;
    EndItemsEarly(unit, *task, outcomes);
    Note(unit, WhatIsDone(*task, cost - task->estimated_cost));
    return {};
  }
  const std::string type = task->activity_type;
  const int64_t took_us = unit.run().now_us - task->started_time_us.value_or(unit.run().now_us);
  if (!checkpoint.empty()) task->checkpoint = checkpoint;
  const bool later = IsSecond(*task);
  auto done = WhatIsDone(*task, task->estimated_cost, took_us);
  const bool again = EndItems(unit, *task, outcomes, second);
  if (!again) Note(unit, std::move(done));
  if (later && !again) ++unit.effects().second_attempts_won;
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
  end.of_second = StandIn(unit, *task, token);
  const bool will_retry = EndAttempt(unit, *task, end);
  unit.effects().counts.push_back({type, will_retry ? "retried" : canceled ? "canceled" : "failed"});
  return will_retry;
}

Status ReleaseTask(RunUnit& unit, const TaskToken& token, const std::string& checkpoint) {
  TaskRow* task = FindCurrent(unit, token);
  if (!task) return PutBackBefore(unit, token) ? Status() : TakenBefore(unit, token);
  StandIn(unit, *task, token);
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
  const bool second = StandIn(unit, *task, token);
  AttemptEnd end = LostWith(*task, reason);
  end.of_second = second;
  (void)EndAttempt(unit, *task, end);
}

void ReturnTask(RunUnit& unit, const TaskToken& token) {
  TaskRow* task = FindCurrent(unit, token);
  if (!task) return;
  StandIn(unit, *task, token);
  Count(unit, *task, "released");
  Put(unit, *task);
}

void ExpireTask(RunUnit& unit, int64_t id, bool expire_leases) {
  // Judged anew under the lock: since the deadline was read a heartbeat, a report or another replica's pass may have come first.
  TaskRow* task = unit.FindTask(id);
  if (!task) return;
  auto overdue = FindOverdue(*task, unit.run().now_us, expire_leases);
  if (!overdue) {
    overdue = FindOverdueSecond(*task, unit.run().now_us, expire_leases);
    if (!overdue) return;
  }
  Count(unit, *task, overdue->lost ? "lost" : "timed_out");
  if (overdue->of_second && !task->started) return DropSecond(unit, *task, *overdue);
  if (overdue->of_second) SwapAttempts(*task);
  (void)EndAttempt(unit, *task, *overdue);
}

StatusOr<TaskRow> BeginSecondAttempt(RunUnit& unit, const TaskToken& first, const std::string& worker_id, int64_t lease) {
  TaskRow* task = unit.FindTask(first.event_id);
  if (!task || !task->started || task->lease != first.lease) return StaleToken(first);
  // Asked for by its workflow or by an operator: it should end, or not begin.
  const bool unwanted = task->cancel_requested || task->release_requested || unit.run().paused();
  if (unwanted || !task->allows_second || task->second || task->worker_id == worker_id) {
    return Aborted("activity " + std::to_string(first.event_id) + " of run " + first.run_id + " can have no second attempt now");
  }
  const int64_t now = unit.run().now_us;
  SecondAttempt& second = task->second.emplace();
  second.lease = lease;
  second.worker_id = worker_id;
  second.started_time_us = now;
  if (task->start_to_close_us > 0) second.attempt_deadline_us = now + task->start_to_close_us;
  // Until its worker names it in a report.
  if (task->heartbeat_us > 0) second.lease_deadline_us = now + task->heartbeat_us;
  unit.Touch(*task);
  TaskRow begun = *task;
  SwapAttempts(begun);
  return begun;
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
