#include "libs/workflow/definition/payload.h"
#include "libs/workflow/definition/retry_policy.h"
#include "libs/workflow/store/engine_repo_internal.h"
#include "libs/workflow/store/task_row_internal.h"

namespace vora::workflow::repo {
namespace {

// ORDER BY makes the identity column seq follow the order in which the code scheduled; among equal priorities claims go by it.
constexpr char kInsertTasks[] = R"(
    INSERT INTO activity_tasks (run_id, scheduled_event_id, workflow_id, tenant, traceparent, queue, activity_type, activity_id,
    affinity_key, priority, estimated_cost, input, retry, schedule_to_start_us, start_to_close_us, heartbeat_us, scheduled_time_us,
    visible_at_us, schedule_to_start_deadline_us, schedule_to_close_deadline_us)
    SELECT $1, t.event_id, $2, $3, $4, t.queue, t.activity_type, t.activity_id, t.affinity_key, t.priority, t.cost, t.input, t.retry,
    t.schedule_to_start, t.start_to_close, t.heartbeat, $5::bigint, $5::bigint,
    CASE WHEN t.schedule_to_start > 0 THEN $5::bigint + t.schedule_to_start END,
    CASE WHEN t.schedule_to_close > 0 THEN $5::bigint + t.schedule_to_close END
    FROM json_to_recordset($6::json) AS t(event_id bigint, queue text, activity_type text, activity_id text, affinity_key text,
    priority integer, cost double precision, input text, retry text, schedule_to_start bigint, schedule_to_close bigint,
    start_to_close bigint, heartbeat bigint) ORDER BY t.event_id)";
constexpr char kLockTask[] = "SELECT " VORA_TASK_COLUMNS " FROM activity_tasks t WHERE run_id = $1 AND scheduled_event_id = $2 FOR UPDATE";
constexpr char kTasksOfRun[] = "SELECT " VORA_BRIEF_TASK_COLUMNS " FROM activity_tasks t WHERE run_id = $1 ORDER BY scheduled_event_id";
constexpr char kDeleteTask[] = "DELETE FROM activity_tasks WHERE run_id = $1 AND scheduled_event_id = $2";
// When a claim commits first, READ COMMITTED looks at the condition again and deletes nothing: the worker has it then, and must be asked.
constexpr char kDeleteUnstarted[] = "DELETE FROM activity_tasks WHERE run_id = $1 AND scheduled_event_id = $2 AND state = 'SCHEDULED'";
constexpr char kRequestCancel[] = "UPDATE activity_tasks SET cancel_requested = true WHERE run_id = $1 AND scheduled_event_id = $2";
constexpr char kDeleteTasks[] = "DELETE FROM activity_tasks WHERE run_id = $1";
constexpr char kDeleteTimers[] = "DELETE FROM workflow_timers WHERE run_id = $1";
// The lease stays, so the next claim raises it and the token of the attempt that ended is stale; last_reported_lease lets its repeated
// report be told from a foreign one. Time to start counts anew from when the task can be claimed.
constexpr char kReschedule[] = R"(
    UPDATE activity_tasks SET state = 'SCHEDULED', attempt = $3, visible_at_us = $4, last_failure = $5, checkpoint = $6,
    last_reported_lease = lease, worker_id = '', started_time_us = NULL, attempt_deadline_us = NULL, lease_deadline_us = NULL,
    schedule_to_start_deadline_us = CASE WHEN schedule_to_start_us > 0 THEN $4::bigint + schedule_to_start_us END
    WHERE run_id = $1 AND scheduled_event_id = $2)";
// A parked run's waiting tasks keep until it goes on; those a worker holds are taken back when their lease ends.
constexpr char kOverdueTasks[] = R"(
    SELECT run_id, scheduled_event_id FROM activity_tasks WHERE next_deadline_us <= (SELECT vora_now_us())
    AND NOT (frozen AND state = 'SCHEDULED') AND ($1 OR state = 'SCHEDULED' OR
    least(schedule_to_close_deadline_us, attempt_deadline_us) <= (SELECT vora_now_us())) ORDER BY next_deadline_us LIMIT $2)";
constexpr char kInsertTimer[] = "INSERT INTO workflow_timers (run_id, started_event_id, timer_id, fire_at_us) VALUES ($1, $2, $3, $4)";
constexpr char kDeleteTimer[] = "DELETE FROM workflow_timers WHERE run_id = $1 AND started_event_id = $2";
// Timers of a parked run stay: firing them would fail with the same mismatch, every pass.
constexpr char kDueTimers[] = R"(
    SELECT t.run_id, t.started_event_id FROM workflow_timers t JOIN workflow_runs r USING (run_id)
    WHERE t.fire_at_us <= (SELECT vora_now_us()) AND r.stuck_reason = '' ORDER BY t.fire_at_us, t.started_event_id LIMIT $1)";

std::vector<TaskKey> Keys(const pqxx::result& rows) {
  std::vector<TaskKey> keys;
  for (const auto& row : rows) keys.push_back({row[0].as<std::string>(), row[1].as<int64_t>()});
  return keys;
}

}  // namespace

TaskRow ReadTask(const pqxx::row& row) {
  TaskRow task;
  int i = 0;
  const auto text = [&] { return row[i++].as<std::string>(); };
  const auto number = [&] { return row[i++].as<int64_t>(); };
  const auto optional = [&]() -> std::optional<int64_t> {
    const auto field = row[i++];
    if (field.is_null()) return std::nullopt;
    return field.as<int64_t>();
  };
  task.run_id = text();
  task.scheduled_event_id = number();
  for (std::string* t : {&task.workflow_id, &task.tenant, &task.traceparent, &task.queue, &task.activity_type, &task.activity_id,
                         &task.affinity_key, &task.input}) {
    *t = text();
  }
  (void)FromPayload(text(), task.retry);  // written by InsertTasks
  for (int64_t* n : {&task.schedule_to_start_us, &task.start_to_close_us, &task.heartbeat_us, &task.scheduled_time_us}) *n = number();
  task.started = text() == "STARTED";
  task.attempt = row[i++].as<int>();
  task.lease = number();
  task.last_reported_lease = number();
  task.visible_at_us = number();
  task.worker_id = text();
  task.started_time_us = optional();
  task.progress = row[i++].as<double>();
  task.checkpoint = text();
  task.cancel_requested = row[i++].as<bool>();
  task.last_failure = text();
  task.schedule_to_start_deadline_us = optional();
  task.schedule_to_close_deadline_us = optional();
  task.attempt_deadline_us = optional();
  task.lease_deadline_us = optional();
  return task;
}

void InsertTasks(pqxx::transaction_base& tx, const RunRow& run, const std::vector<RecordedTask>& tasks) {
  auto rows = nlohmann::json::array();
  for (const auto& task : tasks) {
    const auto& attributes = task.command.attributes;
    const auto& options = task.command.options;
    rows.push_back({{"event_id", task.event_id},
                    {"queue", options.queue()},
                    {"activity_type", attributes.at("activity_type")},
                    {"activity_id", attributes.at("activity_id")},
                    {"affinity_key", options.affinity_key()},
                    {"priority", options.priority()},
                    {"cost", options.estimated_cost()},
                    {"input", attributes.at("input")},
                    {"retry", ToPayload(options.retry())},
                    {"schedule_to_start", ToMicros(options.schedule_to_start_timeout())},
                    {"schedule_to_close", ToMicros(options.schedule_to_close_timeout())},
                    {"start_to_close", ToMicros(options.start_to_close_timeout())},
                    {"heartbeat", ToMicros(options.heartbeat_timeout())}});
  }
  tx.exec_params(kInsertTasks, run.run_id, run.workflow_id, run.tenant, run.traceparent, run.now_us, rows.dump());
}

std::optional<TaskRow> LockTask(pqxx::transaction_base& tx, const TaskKey& key) {
  const auto rows = tx.exec_params(kLockTask, key.run_id, key.event_id);
  if (rows.empty()) return std::nullopt;
  return ReadTask(rows[0]);
}

std::vector<TaskRow> TasksOfRun(pqxx::transaction_base& tx, const std::string& run_id) {
  std::vector<TaskRow> tasks;
  for (const auto& row : tx.exec_params(kTasksOfRun, run_id)) tasks.push_back(ReadTask(row));
  return tasks;
}

void DeleteTask(pqxx::transaction_base& tx, const TaskKey& key) { tx.exec_params(kDeleteTask, key.run_id, key.event_id); }

bool CancelTask(pqxx::transaction_base& tx, const TaskKey& key) {
  if (tx.exec_params(kDeleteUnstarted, key.run_id, key.event_id).affected_rows() > 0) return true;
  tx.exec_params(kRequestCancel, key.run_id, key.event_id);
  return false;
}

void DeleteOpenWork(pqxx::transaction_base& tx, const std::string& run_id) {
  tx.exec_params(kDeleteTasks, run_id);
  tx.exec_params(kDeleteTimers, run_id);
}

void RescheduleTask(pqxx::transaction_base& tx, const TaskRow& task, int64_t visible_at_us) {
  tx.exec_params(kReschedule, task.run_id, task.scheduled_event_id, task.attempt, visible_at_us, task.last_failure, task.checkpoint);
}

std::vector<TaskKey> OverdueTasks(pqxx::transaction_base& tx, bool leases_too, int limit) {
  return Keys(tx.exec_params(kOverdueTasks, leases_too, limit));
}

void InsertTimer(pqxx::transaction_base& tx, const TaskKey& key, const std::string& timer_id, int64_t fire_at_us) {
  tx.exec_params(kInsertTimer, key.run_id, key.event_id, timer_id, fire_at_us);
}

bool DeleteTimer(pqxx::transaction_base& tx, const TaskKey& key) {
  return tx.exec_params(kDeleteTimer, key.run_id, key.event_id).affected_rows() > 0;
}

std::vector<TaskKey> DueTimers(pqxx::transaction_base& tx, int limit) { return Keys(tx.exec_params(kDueTimers, limit)); }

}  // namespace vora::workflow::repo
