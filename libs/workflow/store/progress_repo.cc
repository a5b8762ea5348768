#include "libs/workflow/store/progress_repo_internal.h"

#include "libs/pg/statement.h"
#include "libs/workflow/core/group_rules.h"

namespace vora::workflow::repo {
namespace {

#define VORA_PROGRESS_COLUMNS                                                                                                            \
  "run_id, scheduled_event_id, workflow_id, activity_type, activity_id, items, item_progress, last_failure, attempt, losses, progress, " \
  "progress_weight, state = 'STARTED'"

// What runs has a worker; asked for it, PostgreSQL takes the index of these, in which nothing else is.
constexpr pg::Statement kUnderWay{"workflow_under_way",
                                  "SELECT " VORA_PROGRESS_COLUMNS
                                  " FROM activity_tasks WHERE state = 'STARTED' AND worker_id > '' "
                                  "UNION ALL (SELECT " VORA_PROGRESS_COLUMNS
                                  " FROM activity_tasks WHERE attempt > 1 AND state <> 'STARTED' ORDER BY visible_at_us DESC LIMIT $1)"};
constexpr pg::Statement kClosedRuns{
    "workflow_closed_runs",
    "SELECT run_id, workflow_id, status, failure FROM workflow_runs WHERE run_id = ANY($1::text[]) AND status <> 'RUNNING'"};

}  // namespace

std::vector<TaskRow> TasksUnderWay(pqxx::transaction_base& tx, int waiting) {
  std::vector<TaskRow> tasks;
  for (const auto& row : pg::Exec(tx, kUnderWay, waiting)) {
    TaskRow& task = tasks.emplace_back();
    int i = 0;
    task.run_id = row[i++].as<std::string>();
    task.scheduled_event_id = row[i++].as<int64_t>();
    for (std::string* text : {&task.workflow_id, &task.activity_type, &task.activity_id}) *text = row[i++].as<std::string>();
    task.items = ItemsFromJson(row[i++].as<std::string>());
    for (std::string* text : {&task.item_progress, &task.last_failure}) *text = row[i++].as<std::string>();
    for (int* number : {&task.attempt, &task.losses}) *number = row[i++].as<int>();
    for (double* number : {&task.progress, &task.progress_weight}) *number = row[i++].as<double>();
    task.started = row[i++].as<bool>();
  }
  return tasks;
}

std::vector<RunRow> ClosedRuns(pqxx::transaction_base& tx, const std::vector<std::string>& run_ids) {
  std::vector<RunRow> runs;
  for (const auto& row : pg::Exec(tx, kClosedRuns, pg::ArrayOf(run_ids))) {
    RunRow& run = runs.emplace_back();
    int i = 0;
    for (std::string* text : {&run.run_id, &run.workflow_id, &run.status, &run.failure}) *text = row[i++].as<std::string>();
  }
  return runs;
}

}  // namespace vora::workflow::repo
