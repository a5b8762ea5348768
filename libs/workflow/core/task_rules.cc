#include "libs/workflow/core/task_rules.h"

#include <utility>

#include "libs/workflow/core/group_rules.h"
#include "libs/workflow/core/run_unit.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/definition/retry_policy.h"
#include "libs/workflow/scheduler/rank.h"

namespace vora::workflow {
namespace {

// More than a run has events.
constexpr int64_t kPlacesPerPriority = int64_t{1} << 40;

std::optional<int64_t> After(int64_t begin_us, int64_t timeout_us) {
  if (timeout_us <= 0) return std::nullopt;
  return begin_us + timeout_us;
}

AttemptEnd Timeout(const TaskRow& task, const char* type, const char* code, const std::string& message, bool retryable) {
  AttemptEnd end;
  end.event = v1::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT;
  end.timeout_type = type;
  end.failure = MakeFailure(code, message, !retryable);
  if (task.started) end.failure.set_message(message + " (worker " + task.worker_id + ")");
  return end;
}

std::string OutcomeOf(const AttemptEnd& end) {
  if (end.of_second) return "SECOND_FAILED";
  if (end.lost) return "LOST";
  return end.event == v1::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT ? "TIMED_OUT" : "FAILED";
}

void Remember(RunUnit& unit, const TaskRow& task, std::string activity_id, int attempt, const std::string& outcome,
              const v1::Failure& failure) {
  const int64_t now = unit.run().now_us;
  unit.Remember({task.key(), task.activity_type, std::move(activity_id), attempt, task.lease, task.worker_id,
                 task.started_time_us.value_or(now), now, outcome, FailureToJson(failure).dump()});
}

void RememberAll(RunUnit& unit, const TaskRow& task, const std::string& outcome, const v1::Failure& failure) {
  if (task.items.empty()) return Remember(unit, task, task.activity_id, task.attempt, outcome, failure);
  for (const auto& item : task.items) RememberAttempt(unit, task, item, outcome, failure);
}

}  // namespace

TaskRow NewTask(RunRow& run, int64_t event_id, const Command& command, int slots) {
  const auto& options = command.options;
  const auto rank = [&](double cost) { return scheduler::FinishRank(run.start_time_us, cost, run.priority, slots); };
  // Once and for all, so that the tasks of one run stay together.
  if (run.rank == 0 && options.run_cost() > 0) run.rank = rank(options.run_cost());
  TaskRow task;
  task.first_play = options.first_play();
  task.allows_second = options.second_attempt();
  task.rank = run.rank != 0 ? run.rank : rank(0);
  task.place = event_id - options.priority() * kPlacesPerPriority;
  task.run_id = run.run_id;
  task.scheduled_event_id = event_id;
  task.workflow_id = run.workflow_id;
  task.tenant = run.tenant;
  task.traceparent = run.traceparent;
  task.queue = options.queue();
  task.activity_type = command.attributes.at("activity_type").get<std::string>();
  task.activity_id = command.attributes.at("activity_id").get<std::string>();
  task.input = command.attributes.at("input").get<std::string>();
  task.priority = options.priority();
  task.estimated_cost = options.estimated_cost();
  if (options.progress_weight() > 0) task.progress_weight = options.progress_weight();
  task.item_wait_us = ToMicros(options.item_wait());
  for (const auto& item : options.items()) {
    task.items.push_back({item.name(), item.estimated_cost(), 0, ""});
    task.estimated_cost += item.estimated_cost();
  }
  task.retry = ToPayload(options.retry());
  task.schedule_to_start_us = ToMicros(options.schedule_to_start_timeout());
  task.start_to_close_us = ToMicros(options.start_to_close_timeout());
  task.heartbeat_us = ToMicros(options.heartbeat_timeout());
  task.scheduled_time_us = run.now_us;
  task.visible_at_us = run.now_us;
  task.schedule_to_start_deadline_us = After(run.now_us, task.schedule_to_start_us);
  task.schedule_to_close_deadline_us = After(run.now_us, ToMicros(options.schedule_to_close_timeout()));
  return task;
}

nlohmann::json EndAttributes(const TaskRow& task) {
  nlohmann::json json{{"scheduled_event_id", task.scheduled_event_id},
                      {"activity_type", task.activity_type},
                      {"activity_id", task.activity_id},
                      {"attempt", task.attempt},
                      {"lease", task.lease}};
  if (task.losses > 0) json["losses"] = task.losses;
  if (!task.worker_id.empty()) json["worker_id"] = task.worker_id;
  if (task.started_time_us) json["started_time_us"] = *task.started_time_us;
  return json;
}

void SwapAttempts(TaskRow& task) {
  SecondAttempt& second = *task.second;
  std::swap(task.lease, second.lease);
  std::swap(task.worker_id, second.worker_id);
  std::swap(task.progress, second.progress);
  std::swap(task.item_progress, second.item_progress);
  std::swap(task.attempt_deadline_us, second.attempt_deadline_us);
  std::swap(task.lease_deadline_us, second.lease_deadline_us);
  second.started_time_us = std::exchange(task.started_time_us, second.started_time_us).value_or(0);
}

void AddAttempts(const TaskRow& task, std::vector<std::pair<std::string, TaskRow>>& attempts) {
  attempts.emplace_back(task.worker_id, task);
  if (!task.has_second()) return;
  TaskRow other = task;
  SwapAttempts(other);
  const std::string worker_id = other.worker_id;
  attempts.emplace_back(worker_id, std::move(other));
}

void EndForGood(RunUnit& unit, const TaskRow& task) {
  if (task.has_second()) {
    TaskRow other = task;
    SwapAttempts(other);
    const auto failure = MakeFailure("superseded", "the activity has ended without this attempt", true);
    RememberAll(unit, other, task.cancel_requested ? "CANCELED" : "SUPERSEDED", failure);
    unit.effects().counts.push_back({task.activity_type, task.cancel_requested ? "canceled" : "superseded"});
    unit.effects().cancels.emplace_back(other.worker_id, other);
  }
  unit.EndTask(task.scheduled_event_id);
}

void GoOn(RunUnit& unit, TaskRow& task, int64_t visible_at_us) {
  if (!task.has_second()) return Reschedule(unit, task, visible_at_us);
  SwapAttempts(task);
  task.second = SecondAttempt{};
  unit.Touch(task);
}

void Reschedule(RunUnit& unit, TaskRow& task, int64_t visible_at_us) {
  task.started = false;
  task.visible_at_us = visible_at_us;
  task.delayed = visible_at_us > unit.run().now_us;
  task.worker_id.clear();
  task.started_time_us.reset();
  task.attempt_deadline_us.reset();
  task.lease_deadline_us.reset();
  task.item_progress.clear();
  // Time to start counts anew from when the task can be claimed.
  task.schedule_to_start_deadline_us = After(visible_at_us, task.schedule_to_start_us);
  unit.Touch(task);
  unit.effects().wakes.push_back({task.queue, std::max<int64_t>(0, visible_at_us - unit.run().now_us)});
}

bool EndAttempt(RunUnit& unit, TaskRow& task, const AttemptEnd& end) {
  if (task.started) RememberAll(unit, task, task.cancel_requested ? "CANCELED" : OutcomeOf(end), end.failure);
  // The workflow has gone on without it (its wait is resolved): another attempt would be work for nobody, whatever the failure was.
  if (task.cancel_requested) {
    EndCanceled(unit, task);
    return false;
  }
  if (end.of_second) {
    if (!end.timeout_type) task.last_reported_lease = task.lease;
    GoOn(unit, task, unit.run().now_us);
    return true;
  }
  if (!task.items.empty() && !end.lost) return FailItems(unit, task, end);
  if (end.lost) ++task.losses;
  v1::RetryPolicy policy;
  (void)FromPayload(task.retry, policy);  // written by NewTask
  const int64_t now = unit.run().now_us;
  const auto delay = end.lost ? DelayAfterLoss(policy, task.losses, now, task.schedule_to_close_deadline_us)
                              : NextAttemptDelay(policy, task.attempt - task.losses, end.failure, now, task.schedule_to_close_deadline_us,
                                                 end.next_retry_delay_us);
  // One that is under way already needs no leave of the policy.
  if (delay || (task.has_second() && !end.final)) {
    ++task.attempt;
    task.last_failure = FailureToJson(end.failure).dump();
    if (!end.timeout_type) task.last_reported_lease = task.lease;
    GoOn(unit, task, now + delay.value_or(0));
    return true;
  }
  EndFailed(unit, task, end);
  return false;
}

void DropSecond(RunUnit& unit, TaskRow& task, const AttemptEnd& end) {
  TaskRow other = task;
  SwapAttempts(other);
  RememberAll(unit, other, OutcomeOf(end), end.failure);
  task.second = SecondAttempt{};
  unit.Touch(task);
}

void EndCanceled(RunUnit& unit, const TaskRow& task) {
  auto attributes = EndAttributes(task);
  EndForGood(unit, task);
  unit.Accept({0, v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED, 0, std::move(attributes)});
}

void EndFailed(RunUnit& unit, const TaskRow& task, const AttemptEnd& end) {
  auto attributes = EndAttributes(task);
  attributes["failure"] = FailureToJson(end.failure);
  if (end.timeout_type) attributes["timeout_type"] = end.timeout_type;
  EndForGood(unit, task);
  unit.Accept({0, end.event, 0, std::move(attributes)});
}

void RememberAttempt(RunUnit& unit, const TaskRow& task, const ItemRow& item, const std::string& outcome, const v1::Failure& failure) {
  Remember(unit, task, ItemActivityId(item.name, task.activity_id), AttemptOf(task, item), outcome, failure);
}

std::optional<AttemptEnd> FindOverdue(const TaskRow& task, int64_t now_us, bool expire_leases) {
  const auto passed = [&](const std::optional<int64_t>& deadline) { return deadline && *deadline <= now_us; };
  // The strongest first: when several have passed at once, the one that allows no further attempt decides.
  if (passed(task.schedule_to_close_deadline_us)) {
    auto end = Timeout(task, "SCHEDULE_TO_CLOSE", "timeout.schedule_to_close", "not done in time, over all attempts", false);
    end.final = true;
    return end;
  }
  if (!task.started) {
    if (!passed(task.schedule_to_start_deadline_us)) return std::nullopt;
    return Timeout(task, "SCHEDULE_TO_START", "timeout.schedule_to_start", "no worker took it in time", false);
  }
  if (passed(task.attempt_deadline_us)) {
    return Timeout(task, "START_TO_CLOSE", "timeout.start_to_close", "the attempt took too long", true);
  }
  if (!expire_leases || !passed(task.lease_deadline_us)) return std::nullopt;
  return LostWith(task, "the worker went silent");
}

std::optional<AttemptEnd> FindOverdueSecond(const TaskRow& task, int64_t now_us, bool expire_leases) {
  if (!task.has_second()) return std::nullopt;
  TaskRow second = task;
  SwapAttempts(second);
  second.schedule_to_close_deadline_us.reset();  // of both
  second.started = true;
  auto end = FindOverdue(second, now_us, expire_leases);
  if (end) end->of_second = true;
  return end;
}

AttemptEnd LostWith(const TaskRow& task, const std::string& reason) {
  AttemptEnd end = Timeout(task, "HEARTBEAT", "timeout.heartbeat", reason, true);
  end.lost = true;
  return end;
}

}  // namespace vora::workflow
