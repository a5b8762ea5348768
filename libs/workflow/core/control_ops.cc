#include "libs/workflow/core/run_ops.h"

#include <algorithm>

#include "libs/workflow/core/task_rules.h"
#include "libs/workflow/scheduler/rank.h"

namespace vora::workflow {
namespace {

Status CheckOpen(const RunRow& run) {
  if (run.running()) return {};
  return FailedPrecondition("workflow " + run.workflow_id + " is closed (" + run.status + ")");
}

bool Meant(const ActivityFilter& filter, const TaskRow& task) {
  if (filter.scheduled_event_id != 0) return task.scheduled_event_id == filter.scheduled_event_id;
  if (filter.activity_id.empty() || task.activity_id == filter.activity_id) return true;
  // An item stands for its group: what waits with it has failed with it.
  return std::any_of(task.items.begin(), task.items.end(),
                     [&](const ItemRow& item) { return ItemActivityId(item.name, task.activity_id) == filter.activity_id; });
}

}  // namespace

Status PauseRun(RunUnit& unit, const std::string& by, const std::string& reason) {
  VORA_RETURN_IF_ERROR(CheckOpen(unit.run()));
  if (unit.run().paused()) return {};
  RunRow& run = unit.controlled_run();
  run.paused_at_us = run.now_us;
  run.paused_by = by;
  run.pause_reason = reason;
  unit.effects().paused = true;
  for (TaskRow* task : unit.OpenTasks()) {
    unit.Touch(*task);
    // One that should end for good ends sooner than it is handed back.
    if (!task->started || task->cancel_requested) continue;
    task->release_requested = true;
    AddAttempts(*task, unit.effects().releases);
  }
  return {};
}

Status UnpauseRun(RunUnit& unit) {
  VORA_RETURN_IF_ERROR(CheckOpen(unit.run()));
  if (!unit.run().paused()) return {};
  RunRow& run = unit.controlled_run();
  run.paused_at_us.reset();
  run.paused_by.clear();
  run.pause_reason.clear();
  unit.effects().unpaused = true;
  unit.effects().releases.clear();
  for (TaskRow* task : unit.OpenTasks()) {
    if (task->started) {
      // A worker that was asked already hands it back all the same, and it is ready again.
      task->release_requested = false;
      unit.Touch(*task);
    } else {
      Reschedule(unit, *task, std::max(task->visible_at_us, run.now_us));
    }
  }
  return {};
}

Status SetRunPriority(RunUnit& unit, int priority) {
  VORA_RETURN_IF_ERROR(CheckOpen(unit.run()));
  if (unit.run().priority == priority) return {};
  RunRow& run = unit.controlled_run();
  const int64_t later_us = scheduler::RankAfter(run.priority, priority);
  run.priority = priority;
  if (run.rank != 0) unit.mutable_run().rank += later_us;
  // Of those that run too: they may have to be tried again.
  for (TaskRow* task : unit.OpenTasks()) {
    task->rank += later_us;
    unit.Touch(*task);
  }
  return {};
}

StatusOr<int> RetryActivitiesNow(RunUnit& unit, const ActivityFilter& filter) {
  VORA_RETURN_IF_ERROR(CheckOpen(unit.run()));
  bool found = false;
  int retried = 0;
  for (TaskRow* task : unit.OpenTasks()) {
    if (!Meant(filter, *task)) continue;
    found = true;
    if (task->started || task->visible_at_us <= unit.run().now_us) continue;
    ++retried;
    Reschedule(unit, *task, unit.run().now_us);
  }
  const bool all = filter.activity_id.empty() && filter.scheduled_event_id == 0;
  if (found || all) return retried;
  const std::string name =
      filter.scheduled_event_id != 0 ? "with scheduled_event_id " + std::to_string(filter.scheduled_event_id) : filter.activity_id;
  return NotFound("workflow " + unit.run().workflow_id + " has no open activity " + name);
}

}  // namespace vora::workflow
