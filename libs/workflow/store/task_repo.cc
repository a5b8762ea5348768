#include "libs/workflow/store/task_repo_internal.h"

#include "libs/pg/statement.h"
#include "libs/workflow/core/group_rules.h"
#include "libs/workflow/store/task_row_internal.h"

namespace vora::workflow::repo {
namespace {

constexpr pg::Statement kLockTasks{"workflow_lock_tasks",
                                   "SELECT " VORA_BRIEF_TASK_COLUMNS
                                   " FROM activity_tasks t WHERE (t.run_id, t.scheduled_event_id) IN "
                                   "(SELECT * FROM unnest($1::text[], $2::bigint[])) ORDER BY t.run_id, t.scheduled_event_id FOR UPDATE"};
constexpr pg::Statement kLockTasksOfRun{"workflow_lock_tasks_of_run", "SELECT " VORA_BRIEF_TASK_COLUMNS
                                                                      " FROM activity_tasks t WHERE t.run_id = $1 "
                                                                      "ORDER BY t.scheduled_event_id FOR UPDATE"};
constexpr pg::Statement kStartedTask{"workflow_started_task", "SELECT " VORA_TASK_COLUMNS
                                                              " FROM activity_tasks t WHERE t.run_id = $1 AND t.scheduled_event_id = $2 "
                                                              "AND t.state = 'STARTED'"};
constexpr char kTasksOfRun[] = "SELECT " VORA_BRIEF_TASK_COLUMNS " FROM activity_tasks t WHERE run_id = $1 ORDER BY scheduled_event_id";

std::optional<SecondAttempt> ReadSecond(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  const auto json = nlohmann::json::parse(field.c_str());
  const auto optional = [&](size_t i) { return json.at(i).is_null() ? std::nullopt : std::optional(json.at(i).get<int64_t>()); };
  return SecondAttempt{json.at(0), json.at(1), json.at(2), json.at(3), json.at(4), optional(5), optional(6)};
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
  for (std::string* t : {&task.workflow_id, &task.tenant, &task.traceparent, &task.queue, &task.activity_type, &task.activity_id}) {
    *t = text();
  }
  task.items = ItemsFromJson(text());
  task.item_wait_us = number();
  for (std::string* t : {&task.item_progress, &task.input, &task.retry, &task.last_failure, &task.checkpoint}) *t = text();
  task.priority = row[i++].as<int>();
  task.estimated_cost = row[i++].as<double>();
  task.first_play = row[i++].as<bool>();
  task.rank = number();
  task.place = number();
  for (int64_t* n : {&task.schedule_to_start_us, &task.start_to_close_us, &task.heartbeat_us, &task.scheduled_time_us}) *n = number();
  const std::string state = text();
  task.started = state == "STARTED";
  task.delayed = state == "DELAYED";
  task.held = state == "PAUSED";
  task.attempt = row[i++].as<int>();
  task.losses = row[i++].as<int>();
  task.lease = number();
  task.last_reported_lease = number();
  task.visible_at_us = number();
  task.worker_id = text();
  task.started_time_us = optional();
  task.progress = row[i++].as<double>();
  task.cancel_requested = row[i++].as<bool>();
  task.schedule_to_start_deadline_us = optional();
  task.schedule_to_close_deadline_us = optional();
  task.attempt_deadline_us = optional();
  task.lease_deadline_us = optional();
  task.release_requested = row[i++].as<bool>();
  task.allows_second = row[i++].as<bool>();
  task.second = ReadSecond(row[i++]);
  return task;
}

std::vector<TaskRow> LockTasks(pqxx::transaction_base& tx, const std::vector<TaskKey>& keys) {
  pg::Array runs, events;
  for (const auto& key : keys) {
    runs.Add(key.run_id);
    events.Add(key.event_id);
  }
  std::vector<TaskRow> tasks;
  for (const auto& row : pg::Exec(tx, kLockTasks, runs.Text(), events.Text())) tasks.push_back(ReadTask(row));
  return tasks;
}

std::vector<TaskRow> LockTasksOfRun(pqxx::transaction_base& tx, const std::string& run_id) {
  std::vector<TaskRow> tasks;
  for (const auto& row : pg::Exec(tx, kLockTasksOfRun, run_id)) tasks.push_back(ReadTask(row));
  return tasks;
}

std::optional<TaskRow> StartedTask(pqxx::transaction_base& tx, const TaskKey& key) {
  const auto rows = pg::Exec(tx, kStartedTask, key.run_id, key.event_id);
  if (rows.empty()) return std::nullopt;
  return ReadTask(rows[0]);
}

std::vector<TaskRow> TasksOfRun(pqxx::transaction_base& tx, const std::string& run_id) {
  std::vector<TaskRow> tasks;
  for (const auto& row : tx.exec_params(kTasksOfRun, run_id)) tasks.push_back(ReadTask(row));
  return tasks;
}

}  // namespace vora::workflow::repo
