#pragma once

// How a task begins, and what follows when an attempt at it ends. Pure.

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/workflow/core/rows.h"
#include "libs/workflow/definition/replayer.h"

namespace vora::workflow {

class RunUnit;

// The task that an ACTIVITY_TASK_SCHEDULED opens. Gives the run its rank when this tells what its work costs. `slots` is how many tasks the
// workers of the queue do at a time; 0: unknown.
TaskRow NewTask(RunRow& run, int64_t event_id, const Command& command, int slots);

// The attributes that every end of an activity carries, so that a timeline can be drawn from history.
nlohmann::json EndAttributes(const TaskRow& task);

// The end of the activity: another attempt at it that is under way is told to stop.
void EndForGood(RunUnit& unit, const TaskRow& task);

// The attempts at it that are under way, each as its worker knows it.
void AddAttempts(const TaskRow& task, std::vector<std::pair<std::string, TaskRow>>& attempts);

// The second attempt takes the place of the first, which becomes the second.
void SwapAttempts(TaskRow& task);

// The attempt in the task's row is over, and the task is not: the other attempt goes on in its place, if there is one; else the task goes
// back into its queue.
void GoOn(RunUnit& unit, TaskRow& task, int64_t visible_at_us);

// Back into its queue, claimable at `visible_at_us`, as attempt `task.attempt`.
void Reschedule(RunUnit& unit, TaskRow& task, int64_t visible_at_us);

// How an attempt ended without success.
struct AttemptEnd {
  v1::EventType event = v1::EVENT_TYPE_ACTIVITY_TASK_FAILED;  // of the activity, should it be its last
  const char* timeout_type = nullptr;                         // of ACTIVITY_TASK_TIMED_OUT
  bool lost = false;                                          // with its worker: no fault of the activity
  bool final = false;                                         // of all attempts that are under way
  bool of_second = false;                                     // the first goes on, and nothing is counted
  v1::Failure failure;
  std::optional<int64_t> next_retry_delay_us = {};  // in place of the policy's
};

// Repeats the activity or ends it, as its policy says. True: there will be another attempt, or one is under way.
bool EndAttempt(RunUnit& unit, TaskRow& task, const AttemptEnd& end);
// The second attempt at a task that nobody is at otherwise is over: a replica of a version before second attempts has put the task back.
void DropSecond(RunUnit& unit, TaskRow& task, const AttemptEnd& end);
// The workflow does not want it any more, whatever became of the attempt.
void EndCanceled(RunUnit& unit, const TaskRow& task);
// The activity has no further attempt: its end goes to the run.
void EndFailed(RunUnit& unit, const TaskRow& task, const AttemptEnd& end);
// Keeps an attempt that did not succeed with the run; see AttemptRow.
void RememberAttempt(RunUnit& unit, const TaskRow& task, const ItemRow& item, const std::string& outcome, const v1::Failure& failure);

// The deadline of `task` that has passed, the strongest first; nothing when none has. `expire_leases` false spares missing heartbeats.
std::optional<AttemptEnd> FindOverdue(const TaskRow& task, int64_t now_us, bool expire_leases);
// The same of a second attempt.
std::optional<AttemptEnd> FindOverdueSecond(const TaskRow& task, int64_t now_us, bool expire_leases);

// The attempt ended with its worker, seen by `reason`.
AttemptEnd LostWith(const TaskRow& task, const std::string& reason);

}  // namespace vora::workflow
