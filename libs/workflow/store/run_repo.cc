#include "libs/workflow/store/engine_repo_internal.h"

namespace vora::workflow::repo {
namespace {

#define VORA_RUN_COLUMNS                                                                                                    \
  "run_id, workflow_id, tenant, type, status, traceparent, start_time_us, close_time_us, history_length, result, failure, " \
  "cancel_requested, stuck_reason, seq, vora_now_us() "

// Starts of one id go one after the other: the row to lock may not exist yet. Two ids that share a hash only wait for each other.
constexpr char kLockWorkflowId[] = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7))";
// One reading of the clock for start and deadline.
constexpr char kInsertRun[] = R"(
    INSERT INTO workflow_runs (run_id, workflow_id, tenant, type, request_id, traceparent, start_time_us, execution_deadline_us)
    SELECT $1, $2, $3, $4, $5, $6, t, CASE WHEN $7::bigint > 0 THEN t + $7::bigint END FROM vora_now_us() AS t
    RETURNING )" VORA_RUN_COLUMNS;
// Every transition begins here. The clock is read with the row, so that all events of a transition bear one time.
constexpr char kLockRun[] = "SELECT " VORA_RUN_COLUMNS "FROM workflow_runs WHERE run_id = $1 FOR UPDATE";
constexpr char kNewestRun[] =
    "SELECT " VORA_RUN_COLUMNS "FROM workflow_runs WHERE workflow_id = $1 AND ($2 = '' OR run_id = $2) ORDER BY seq DESC LIMIT 1";
constexpr char kRunByRequest[] =
    "SELECT " VORA_RUN_COLUMNS "FROM workflow_runs WHERE workflow_id = $1 AND request_id = $2 AND request_id <> ''";
constexpr char kListRuns[] =
    "SELECT " VORA_RUN_COLUMNS
    "FROM workflow_runs WHERE seq < $1 AND ($3 = '' OR status = $3) AND ($4 = '' OR type = $4) ORDER BY seq DESC LIMIT $2";
constexpr char kUpdateRun[] = R"(
    UPDATE workflow_runs SET status = $2, close_time_us = $3, history_length = $4, result = $5, failure = $6, cancel_requested = $7,
    stuck_reason = $8 WHERE run_id = $1)";
// The columns keep the names that older replicas know: `stuck_reason` of a run that is parked, `frozen` of its tasks.
constexpr char kMarkParked[] = "UPDATE workflow_runs SET stuck_reason = $2 WHERE run_id = $1 AND status = 'RUNNING'";
constexpr char kParkTasks[] = "UPDATE activity_tasks SET frozen = true WHERE run_id = $1 AND NOT frozen";
constexpr char kUnparkTasks[] = "UPDATE activity_tasks SET frozen = false WHERE run_id = $1 AND frozen";
// `stuck_reason <> ''` is the predicate of the partial index; written otherwise the planner would not use it.
constexpr char kParkedRuns[] = "SELECT run_id FROM workflow_runs WHERE stuck_reason <> '' AND status = 'RUNNING' ORDER BY seq LIMIT $1";
constexpr char kOverdueRuns[] = R"(
    SELECT run_id FROM workflow_runs WHERE status = 'RUNNING' AND execution_deadline_us <= (SELECT vora_now_us())
    ORDER BY execution_deadline_us LIMIT $1)";
constexpr char kLoadHistory[] =
    "SELECT event_id, type, time_us, attributes FROM workflow_events WHERE run_id = $1 AND event_id > $2 ORDER BY event_id LIMIT $3";
// One statement however many events there are. The primary key (run_id, event_id) is the last guard: two transitions that got past the lock
// could not both write event n.
constexpr char kAppendEvents[] = R"(
    INSERT INTO workflow_events (run_id, event_id, type, time_us, attributes) SELECT $1, e.* FROM
    json_to_recordset($2::json) AS e(event_id bigint, type text, time_us bigint, attributes text))";
// TIMED_OUT is left out though it names a lease as well: there the engine ended the attempt, and the worker's late report was not taken. It
// reads the rest of the history, which only a repeated or stale report pays for.
constexpr char kWasTaken[] = R"(
    SELECT 1 FROM workflow_events WHERE run_id = $1 AND event_id > $2 AND type IN ('ACTIVITY_TASK_COMPLETED', 'ACTIVITY_TASK_FAILED',
    'ACTIVITY_TASK_CANCELED') AND (attributes::json->>'scheduled_event_id')::bigint = $2 AND (attributes::json->>'lease')::bigint = $3
    LIMIT 1)";
constexpr char kHasSignal[] = R"(
    SELECT 1 FROM workflow_events WHERE run_id = $1 AND type = 'WORKFLOW_EXECUTION_SIGNALED' AND attributes::json->>'request_id' = $2
    LIMIT 1)";

RunRow ReadRun(const pqxx::row& row) {
  RunRow run;
  int i = 0;
  for (std::string* text : {&run.run_id, &run.workflow_id, &run.tenant, &run.type, &run.status, &run.traceparent}) {
    *text = row[i++].as<std::string>();
  }
  run.start_time_us = row[i++].as<int64_t>();
  if (const auto close = row[i++]; !close.is_null()) run.close_time_us = close.as<int64_t>();
  run.history_length = row[i++].as<int64_t>();
  run.result = row[i++].as<std::string>();
  run.failure = row[i++].as<std::string>();
  run.cancel_requested = row[i++].as<bool>();
  run.parked_reason = row[i++].as<std::string>();
  run.seq = row[i++].as<int64_t>();
  run.now_us = row[i++].as<int64_t>();
  return run;
}

std::optional<RunRow> First(const pqxx::result& rows) {
  if (rows.empty()) return std::nullopt;
  return ReadRun(rows[0]);
}

std::vector<std::string> FirstColumn(const pqxx::result& rows) {
  std::vector<std::string> values;
  for (const auto& row : rows) values.push_back(row[0].as<std::string>());
  return values;
}

}  // namespace

void LockWorkflowId(pqxx::transaction_base& tx, const std::string& workflow_id) { tx.exec_params(kLockWorkflowId, workflow_id); }

RunRow InsertRun(pqxx::transaction_base& tx, const NewRun& run) {
  return ReadRun(tx.exec_params(kInsertRun, run.run_id, run.workflow_id, run.tenant, run.type, run.request_id, run.traceparent,
                                run.execution_timeout_us)[0]);
}

std::optional<RunRow> LockRun(pqxx::transaction_base& tx, const std::string& run_id) { return First(tx.exec_params(kLockRun, run_id)); }

std::optional<RunRow> FindRun(pqxx::transaction_base& tx, const std::string& workflow_id, const std::string& run_id) {
  return First(tx.exec_params(kNewestRun, workflow_id, run_id));
}

std::optional<RunRow> FindRunByRequest(pqxx::transaction_base& tx, const std::string& workflow_id, const std::string& request_id) {
  return First(tx.exec_params(kRunByRequest, workflow_id, request_id));
}

std::vector<RunRow> ListRuns(pqxx::transaction_base& tx, int64_t before_seq, int limit, const std::string& status,
                             const std::string& type) {
  std::vector<RunRow> runs;
  for (const auto& row : tx.exec_params(kListRuns, before_seq, limit, status, type)) runs.push_back(ReadRun(row));
  return runs;
}

void UpdateRun(pqxx::transaction_base& tx, const RunRow& run) {
  std::string close_text;
  const char* close = nullptr;
  if (run.close_time_us) {
    close_text = std::to_string(*run.close_time_us);
    close = close_text.c_str();
  }
  tx.exec_params(kUpdateRun, run.run_id, run.status, close, run.history_length, run.result, run.failure, run.cancel_requested,
                 run.parked_reason);
}

void MarkParked(pqxx::transaction_base& tx, const std::string& run_id, const std::string& reason) {
  tx.exec_params(kMarkParked, run_id, reason);
  tx.exec_params(kParkTasks, run_id);
}

void UnparkTasks(pqxx::transaction_base& tx, const std::string& run_id) { tx.exec_params(kUnparkTasks, run_id); }

std::vector<std::string> ParkedRuns(pqxx::transaction_base& tx, int limit) { return FirstColumn(tx.exec_params(kParkedRuns, limit)); }
std::vector<std::string> OverdueRuns(pqxx::transaction_base& tx, int limit) { return FirstColumn(tx.exec_params(kOverdueRuns, limit)); }

std::vector<Event> LoadHistory(pqxx::transaction_base& tx, const std::string& run_id, int64_t after, int limit) {
  std::vector<Event> events;
  for (const auto& row : tx.exec_params(kLoadHistory, run_id, after, limit)) {
    const auto text = row[3];
    events.push_back({row[0].as<int64_t>(), EventTypeFromName(row[1].as<std::string>()), row[2].as<int64_t>(),
                      nlohmann::json::parse(text.c_str(), text.c_str() + text.size())});
  }
  return events;
}

void AppendEvents(pqxx::transaction_base& tx, const std::string& run_id, const std::vector<Event>& events) {
  auto rows = nlohmann::json::array();
  for (const auto& event : events) {
    rows.push_back(
        {{"event_id", event.id}, {"type", EventTypeName(event.type)}, {"time_us", event.time_us}, {"attributes", event.attributes.dump()}});
  }
  tx.exec_params(kAppendEvents, run_id, rows.dump());
}

bool WasTaken(pqxx::transaction_base& tx, const TaskKey& key, int64_t lease) {
  return !tx.exec_params(kWasTaken, key.run_id, key.event_id, lease).empty();
}

bool HasSignal(pqxx::transaction_base& tx, const std::string& run_id, const std::string& request_id) {
  return !tx.exec_params(kHasSignal, run_id, request_id).empty();
}

}  // namespace vora::workflow::repo
