#pragma once

// The engine's SQL. Every function runs inside the caller's transaction; pqxx exceptions pass through (libs/pg maps them).
// Lock order, everywhere: the run's row first, then its task.

#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "libs/workflow/definition/history.h"

namespace vora::workflow::repo {

struct RunRow {
  std::string run_id, workflow_id, tenant, type, status, traceparent;
  int64_t start_time_us = 0;
  std::optional<int64_t> close_time_us;
  int64_t history_length = 0;
  std::string result, failure, parked_reason;
  bool cancel_requested = false;
  int64_t seq = 0;
  int64_t now_us = 0;  // the database's clock
  bool running() const { return status == "RUNNING"; }
};

struct TaskRow {
  std::string run_id;
  int64_t scheduled_event_id = 0;
  std::string workflow_id, tenant, traceparent, queue, activity_type, activity_id, affinity_key, input;
  v1::RetryPolicy retry;
  int64_t schedule_to_start_us = 0, start_to_close_us = 0, heartbeat_us = 0;
  int64_t scheduled_time_us = 0;
  bool started = false;
  int attempt = 1;
  int64_t lease = 0, last_reported_lease = 0;
  int64_t visible_at_us = 0;
  std::string worker_id;
  std::optional<int64_t> started_time_us;
  double progress = 0;
  std::string checkpoint;
  bool cancel_requested = false;
  std::string last_failure;
  std::optional<int64_t> schedule_to_start_deadline_us, schedule_to_close_deadline_us, attempt_deadline_us, lease_deadline_us;
};

struct NewRun {
  std::string run_id, workflow_id, tenant, type, request_id, traceparent;
  int64_t execution_timeout_us = 0;
};

// An ACTIVITY_TASK_SCHEDULED that became a task.
struct RecordedTask {
  int64_t event_id = 0;
  Command command;
};

struct TaskKey {
  std::string run_id;
  int64_t event_id = 0;  // ACTIVITY_TASK_SCHEDULED, or TIMER_STARTED
};

// Runs.
void LockWorkflowId(pqxx::transaction_base& tx, const std::string& workflow_id);  // until the transaction ends; serialises starts
RunRow InsertRun(pqxx::transaction_base& tx, const NewRun& run);
std::optional<RunRow> LockRun(pqxx::transaction_base& tx, const std::string& run_id);
// `run_id` empty: the newest run under the id.
std::optional<RunRow> FindRun(pqxx::transaction_base& tx, const std::string& workflow_id, const std::string& run_id);
std::optional<RunRow> FindRunByRequest(pqxx::transaction_base& tx, const std::string& workflow_id, const std::string& request_id);
// Newest first, below `before_seq`; empty filters match all.
std::vector<RunRow> ListRuns(pqxx::transaction_base& tx, int64_t before_seq, int limit, const std::string& status, const std::string& type);
void UpdateRun(pqxx::transaction_base& tx, const RunRow& run);  // status, close time, length, result, failure, flags
void MarkParked(pqxx::transaction_base& tx, const std::string& run_id, const std::string& reason);  // and its tasks
void UnparkTasks(pqxx::transaction_base& tx, const std::string& run_id);
std::vector<std::string> ParkedRuns(pqxx::transaction_base& tx, int limit);
std::vector<std::string> OverdueRuns(pqxx::transaction_base& tx, int limit);

// History.
std::vector<Event> LoadHistory(pqxx::transaction_base& tx, const std::string& run_id, int64_t after, int limit);
void AppendEvents(pqxx::transaction_base& tx, const std::string& run_id, const std::vector<Event>& events);
// True when the history holds the end of this activity under this lease (a repeated report of one that was taken).
bool WasTaken(pqxx::transaction_base& tx, const TaskKey& key, int64_t lease);
bool HasSignal(pqxx::transaction_base& tx, const std::string& run_id, const std::string& request_id);

// Tasks.
void InsertTasks(pqxx::transaction_base& tx, const RunRow& run, const std::vector<RecordedTask>& tasks);
std::optional<TaskRow> LockTask(pqxx::transaction_base& tx, const TaskKey& key);
std::vector<TaskRow> TasksOfRun(pqxx::transaction_base& tx, const std::string& run_id);  // without inputs and checkpoints
void DeleteTask(pqxx::transaction_base& tx, const TaskKey& key);
// Deletes it if it waits for a worker (true), else asks the worker to stop (false).
bool CancelTask(pqxx::transaction_base& tx, const TaskKey& key);
void DeleteOpenWork(pqxx::transaction_base& tx, const std::string& run_id);  // tasks and timers
// Back to SCHEDULED, claimable at `visible_at_us`, as attempt `task.attempt`.
void RescheduleTask(pqxx::transaction_base& tx, const TaskRow& task, int64_t visible_at_us);
std::vector<TaskKey> OverdueTasks(pqxx::transaction_base& tx, bool leases_too, int limit);

// Timers.
void InsertTimer(pqxx::transaction_base& tx, const TaskKey& key, const std::string& timer_id, int64_t fire_at_us);
bool DeleteTimer(pqxx::transaction_base& tx, const TaskKey& key);
std::vector<TaskKey> DueTimers(pqxx::transaction_base& tx, int limit);

}  // namespace vora::workflow::repo
