#pragma once

// Everything that can happen to a run, each as a change to its unit. Pure. A status that is not OK means that nothing was changed.

#include <map>
#include <string>

#include "libs/core/status.h"
#include "libs/workflow/core/run_unit.h"
#include "libs/workflow/core/task_token.h"

namespace vora::workflow {

// Reports of workers. ABORTED: the token is stale. Repeating a report that was taken is OK.
Status CompleteTask(RunUnit& unit, const TaskToken& token, const std::string& result);
// Of a group: `outcomes` by the names of its items; one that is missing has failed. An empty `checkpoint` keeps the stored one. `more`: the
// attempt goes on with those that are missing.
Status CompleteItems(RunUnit& unit, const TaskToken& token, const std::map<std::string, v1::ItemOutcome>& outcomes,
                     const std::string& checkpoint, bool more);
// True: there will be another attempt. `canceled`: the worker stopped since it was asked to.
StatusOr<bool> FailTask(RunUnit& unit, const TaskToken& token, const v1::Failure& failure, bool canceled,
                        std::optional<int64_t> next_retry_delay_us = {});
// The attempt is not counted: a worker that drains has not failed.
Status ReleaseTask(RunUnit& unit, const TaskToken& token, const std::string& checkpoint);

// What the engine finds out by itself; nothing when the token is not current any more.
// The worker is gone: an attempt is lost, and counted apart.
void LoseTask(RunUnit& unit, const TaskToken& token, const std::string& reason);
// The worker never heard of the claim: as if it had not been made.
void ReturnTask(RunUnit& unit, const TaskToken& token);
// A deadline of the task has passed, if one has.
void ExpireTask(RunUnit& unit, int64_t scheduled_event_id, bool expire_leases);
// The engine has seen that it would end sooner. The task as its worker gets it, without input and checkpoint. ABORTED: there can be none.
StatusOr<TaskRow> BeginSecondAttempt(RunUnit& unit, const TaskToken& first, const std::string& worker_id, int64_t lease);
void FireTimer(RunUnit& unit, int64_t started_event_id);

// NOT_FOUND when it is closed; a repeated `request_id` is OK and changes nothing.
Status SignalRun(RunUnit& unit, const std::string& name, const std::string& input, const std::string& request_id);
void CancelRun(RunUnit& unit, const std::string& reason);
void TerminateRun(RunUnit& unit, const std::string& reason);
void TimeOutRun(RunUnit& unit);

// Of operators. FAILED_PRECONDITION: the run is closed.
// What waits is held, and who runs something of it is asked to hand it back. Once it is paused, nothing is changed.
Status PauseRun(RunUnit& unit, const std::string& by, const std::string& reason);
Status UnpauseRun(RunUnit& unit);
Status SetRunPriority(RunUnit& unit, int priority);
// Which activities are meant; empty: all of the run.
struct ActivityFilter {
  std::string activity_id;
  int64_t scheduled_event_id = 0;
};
// Those that wait for their next attempt wait no longer; how many there were. NOT_FOUND: none is open that is meant.
StatusOr<int> RetryActivitiesNow(RunUnit& unit, const ActivityFilter& filter);

}  // namespace vora::workflow
