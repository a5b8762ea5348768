#pragma once

// The rows that the engine keeps, as values. Times are microseconds since the epoch on the database's clock.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libs/workflow/definition/history.h"

namespace vora::workflow {

// A run that is RUNNING may be parked: code and history do not agree, so what comes in waits in its inbox.
struct RunRow {
  std::string run_id, workflow_id, tenant, type, status = "RUNNING", traceparent;
  std::string request_id;
  int64_t start_time_us = 0;
  std::optional<int64_t> close_time_us, execution_deadline_us;
  int64_t history_length = 0;
  std::string result, failure, parked_reason;
  std::vector<std::string> parked_builds;  // of the programs that have tried it since it was parked
  bool cancel_requested = false;
  int priority = 0;  // -1000 to 1000
  int64_t rank = 0;  // its turn among others, once the cost of its work is known; 0: not yet
  std::optional<int64_t> paused_at_us;
  std::string paused_by, pause_reason;
  int64_t seq = 0;
  int64_t now_us = 0;       // the database's clock when the row was read
  bool restricted = false;  // operators have set limits for queues or tenants
  bool running() const { return status == "RUNNING"; }
  bool parked() const { return !parked_reason.empty(); }
  bool paused() const { return paused_at_us.has_value(); }
};

struct TaskKey {
  std::string run_id;
  int64_t event_id = 0;  // ACTIVITY_TASK_SCHEDULED, or TIMER_STARTED
  bool operator==(const TaskKey&) const = default;
};

// What a group has still to do, under one name.
struct ItemRow {
  std::string name;
  double estimated_cost = 0;
  int failures = 0;          // attempts that failed, but for those that ended with their worker
  std::string last_failure;  // JSON of a Failure, or empty
};

// Beside the attempt that a task's row tells of, at the same time on another worker.
struct SecondAttempt {
  int64_t lease = 0;  // 0: it is over
  std::string worker_id;
  int64_t started_time_us = 0;
  double progress = 0;
  std::string item_progress;
  std::optional<int64_t> attempt_deadline_us, lease_deadline_us;
};

// An activity that has not ended. SCHEDULED until a worker claims it: then it is STARTED under a lease, a number drawn by lot for each
// claim, which the token of the attempt names.
struct TaskRow {
  std::string run_id;
  int64_t scheduled_event_id = 0;
  std::string workflow_id, tenant, traceparent, queue, activity_type, activity_id, input;
  int priority = 0;            // within its run
  std::vector<ItemRow> items;  // of a group: those that have not ended; empty: no group
  int64_t item_wait_us = 0;
  double estimated_cost = 0;  // with that of the items
  bool first_play = false;    // see scheduler::Stage
  bool allows_second = false;
  int64_t rank = 0;   // of its run
  int64_t place = 0;  // among the tasks of its run
  std::string retry;  // RetryPolicy as JSON
  int64_t schedule_to_start_us = 0, start_to_close_us = 0, heartbeat_us = 0;
  int64_t scheduled_time_us = 0;
  bool started = false;
  bool delayed = false;  // SCHEDULED, but not to be claimed before visible_at_us
  bool held = false;     // PAUSED with its run: not to be claimed, whatever visible_at_us says
  int attempt = 1;       // from 1; counts failures and losses
  int losses = 0;        // attempts that ended with their worker, not by a fault of their own
  int64_t lease = 0;
  // Of the last attempt whose worker has reported that it is to be tried again: that report is told from a foreign one when it is repeated.
  // Not of attempts that the engine has ended, whose workers' reports come too late.
  int64_t last_reported_lease = 0;
  int64_t visible_at_us = 0;
  std::string worker_id;
  std::optional<int64_t> started_time_us;
  double progress = 0;
  double progress_weight = 1;  // in sums, of a group that of each item; written once
  std::string item_progress;   // of a group as JSON: progress by name
  std::string checkpoint;      // as a change: empty keeps the stored one
  bool cancel_requested = false;
  bool release_requested = false;  // its run was paused while it ran
  std::string last_failure;        // JSON of a Failure, or empty
  std::optional<int64_t> schedule_to_start_deadline_us, schedule_to_close_deadline_us, attempt_deadline_us, lease_deadline_us;
  std::optional<SecondAttempt> second;  // there is one, or was: there is no third
  TaskKey key() const { return {run_id, scheduled_event_id}; }
  bool has_second() const { return second && second->lease != 0; }
};

struct TimerRow {
  std::string run_id;
  int64_t started_event_id = 0;
  std::string timer_id;
  int64_t fire_at_us = 0;
};

// An input that a parked run could not take yet.
struct InboxRow {
  int64_t seq = 0;  // order of arrival
  Event event;      // without an id; its time is when it came in
};

// An attempt that did not succeed; kept as long as the run.
struct AttemptRow {
  TaskKey key;
  std::string activity_type, activity_id;
  int attempt = 0;
  int64_t lease = 0;
  std::string worker_id;
  int64_t started_time_us = 0, ended_time_us = 0;
  std::string outcome;  // FAILED, TIMED_OUT, LOST, CANCELED, SUPERSEDED, SECOND_FAILED
  std::string failure;  // JSON of a Failure
};

// What one transaction writes, of any number of runs.
struct Changes {
  std::vector<RunRow> new_runs, runs;
  std::vector<RunRow> controlled_runs;                // whose pause or priority was changed
  std::vector<std::pair<std::string, Event>> events;  // run, event
  std::vector<TaskRow> new_tasks, tasks;
  std::vector<TaskKey> ended_tasks, ended_timers;
  std::vector<std::pair<TaskKey, SecondAttempt>> second_attempts;  // begun or changed
  std::vector<TaskKey> ended_second_attempts;                      // with their tasks
  std::vector<TimerRow> timers;
  std::vector<std::string> closed_runs;  // all that is open of them goes
  std::vector<std::pair<std::string, Event>> inbox;
  std::vector<std::string> emptied_inboxes;
  std::vector<AttemptRow> attempts;
};

}  // namespace vora::workflow
