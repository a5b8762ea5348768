#include "libs/workflow/store/run_repo_internal.h"

#include "libs/pg/statement.h"

namespace vora::workflow::repo {
namespace {

// Two looks at tables of a few rows, once per statement.
#define VORA_RESTRICTED "(SELECT EXISTS (SELECT 1 FROM workflow_queues) OR EXISTS (SELECT 1 FROM workflow_tenants))"
#define VORA_RUN_COLUMNS                                                                                                              \
  "run_id, workflow_id, tenant, type, status, traceparent, request_id, result, failure, stuck_reason, start_time_us, close_time_us, " \
  "execution_deadline_us, history_length, cancel_requested, seq, vora_now_us(), parked_builds, priority, rank, "                      \
  "paused_at_us, paused_by, pause_reason, " VORA_RESTRICTED " "

// The row to lock may not exist yet. Two ids that share a hash only wait for each other. The clock is read after each lock.
constexpr pg::Statement kLockWorkflowIds{"workflow_lock_ids",
                                         "SELECT pg_advisory_xact_lock(hashtextextended(id, 7)), vora_now_us(), " VORA_RESTRICTED
                                         " FROM unnest($1::text[]) AS id"};
// Every transition begins here. The clock is read with the row, so that all events of a transition bear one time.
constexpr pg::Statement kLockRuns{
    "workflow_lock_runs", "SELECT " VORA_RUN_COLUMNS "FROM workflow_runs WHERE run_id = ANY($1::text[]) ORDER BY run_id FOR UPDATE"};
constexpr pg::Statement kLockFreeRuns{"workflow_lock_free_runs",
                                      "SELECT " VORA_RUN_COLUMNS
                                      "FROM workflow_runs WHERE run_id = ANY($1::text[]) ORDER BY run_id FOR UPDATE SKIP LOCKED"};
constexpr pg::Statement kNewestRun{"workflow_newest_run",
                                   "SELECT " VORA_RUN_COLUMNS "FROM workflow_runs WHERE workflow_id = $1 ORDER BY seq DESC LIMIT 1"};
constexpr pg::Statement kRunOfId{"workflow_run_of_id",
                                 "SELECT " VORA_RUN_COLUMNS "FROM workflow_runs WHERE workflow_id = $1 AND run_id = $2"};
constexpr pg::Statement kRunByRequest{"workflow_run_by_request",
                                      "SELECT " VORA_RUN_COLUMNS
                                      "FROM workflow_runs WHERE workflow_id = $1 AND request_id = $2 AND request_id <> ''"};
constexpr pg::Statement kNewestRuns{"workflow_newest_runs",
                                    "SELECT r.* FROM unnest($1::text[]) AS id CROSS JOIN LATERAL (SELECT " VORA_RUN_COLUMNS
                                    "FROM workflow_runs WHERE workflow_id = id ORDER BY seq DESC LIMIT 1) AS r"};
constexpr pg::Statement kFindRuns{"workflow_find_runs",
                                  "SELECT r.*, a.n FROM unnest($1::text[], $2::text[]) WITH ORDINALITY "
                                  "AS a(workflow, run, n) CROSS JOIN LATERAL (SELECT " VORA_RUN_COLUMNS
                                  "FROM workflow_runs WHERE workflow_id = a.workflow AND (a.run = '' OR run_id = a.run) "
                                  "ORDER BY seq DESC LIMIT 1) AS r"};
constexpr char kListRuns[] =
    "SELECT " VORA_RUN_COLUMNS
    "FROM workflow_runs WHERE seq < $1 AND ($3 = '' OR status = $3) AND ($4 = '' OR type = $4) ORDER BY seq DESC LIMIT $2";
constexpr pg::Statement kRunsOfIds{
    "workflow_runs_of_ids", "SELECT " VORA_RUN_COLUMNS
                            "FROM workflow_runs WHERE run_id = ANY($1::text[]) AND ($2 = '' OR status = $2) AND ($3 = '' OR type = $3) "
                            "ORDER BY seq DESC"};
constexpr pg::Statement kLoadHistory{
    "workflow_load_history",
    "SELECT event_id, type, time_us, attributes FROM workflow_events WHERE run_id = $1 AND event_id > $2 ORDER BY event_id LIMIT $3"};
constexpr pg::Statement kLoadHistoryWithInputs{"workflow_load_history_with_inputs", R"(
    SELECT event_id, type, time_us, attributes, payload FROM workflow_events WHERE run_id = $1 AND event_id > $2
    ORDER BY event_id LIMIT $3)"};
constexpr char kHasRuns[] = "SELECT to_regclass('workflow_runs') IS NOT NULL";
constexpr char kOpenRuns[] = R"(
    SELECT seq, run_id, workflow_id, tenant, type, stuck_reason <> '' FROM workflow_runs WHERE status = 'RUNNING' AND seq > $1
    ORDER BY seq LIMIT $2)";
constexpr pg::Statement kLoadInbox{"workflow_load_inbox",
                                   "SELECT seq, type, time_us, attributes FROM workflow_inbox WHERE run_id = $1 ORDER BY seq"};
// TIMED_OUT is left out though it names a lease as well: there the engine ended the attempt, and the worker's late report was not taken. It
// reads the rest of the history, which only a repeated or stale report pays for.
constexpr pg::Statement kWasTaken{"workflow_was_taken", R"(
    WITH ends AS (SELECT attributes FROM workflow_events WHERE run_id = $1 AND event_id > $2 AND type IN ('ACTIVITY_TASK_COMPLETED',
    'ACTIVITY_TASK_FAILED', 'ACTIVITY_TASK_CANCELED', 'ACTIVITY_TASK_ITEMS_ENDED') UNION ALL SELECT attributes FROM workflow_inbox WHERE run_id = $1
    AND type IN ('ACTIVITY_TASK_COMPLETED', 'ACTIVITY_TASK_FAILED', 'ACTIVITY_TASK_CANCELED', 'ACTIVITY_TASK_ITEMS_ENDED'))
    SELECT 1 FROM ends WHERE (attributes::json->>'scheduled_event_id')::bigint = $2 AND (attributes::json->>'lease')::bigint = $3
    AND attributes::json->>'goes_on' IS NULL AND attributes::json->>'timeout_type' IS NULL LIMIT 1)"};
constexpr pg::Statement kHasSignal{"workflow_has_signal", R"(
    WITH signals AS (SELECT attributes FROM workflow_events WHERE run_id = $1 AND type = 'WORKFLOW_EXECUTION_SIGNALED'
    UNION ALL SELECT attributes FROM workflow_inbox WHERE run_id = $1 AND type = 'WORKFLOW_EXECUTION_SIGNALED')
    SELECT 1 FROM signals WHERE attributes::json->>'request_id' = $2 LIMIT 1)"};
constexpr pg::Statement kHasTimer{"workflow_has_timer", "SELECT 1 FROM workflow_timers WHERE run_id = $1 AND started_event_id = $2"};
constexpr char kLoadAttempts[] = R"(
    SELECT scheduled_event_id, activity_type, activity_id, attempt, lease, worker_id, started_time_us, ended_time_us, outcome, failure FROM workflow_attempts
    WHERE run_id = $1 ORDER BY seq LIMIT $2)";

std::optional<int64_t> ReadOptional(const pqxx::field& field) {
  if (field.is_null()) return std::nullopt;
  return field.as<int64_t>();
}

RunRow ReadRun(const pqxx::row& row) {
  RunRow run;
  int i = 0;
  for (std::string* text : {&run.run_id, &run.workflow_id, &run.tenant, &run.type, &run.status, &run.traceparent, &run.request_id,
                            &run.result, &run.failure, &run.parked_reason}) {
    *text = row[i++].as<std::string>();
  }
  run.start_time_us = row[i++].as<int64_t>();
  run.close_time_us = ReadOptional(row[i++]);
  run.execution_deadline_us = ReadOptional(row[i++]);
  run.history_length = row[i++].as<int64_t>();
  run.cancel_requested = row[i++].as<bool>();
  run.seq = row[i++].as<int64_t>();
  run.now_us = row[i++].as<int64_t>();
  run.parked_builds = pg::ReadTextArray(row[i++]);
  run.priority = row[i++].as<int>();
  run.rank = row[i++].as<int64_t>();
  run.paused_at_us = ReadOptional(row[i++]);
  run.paused_by = row[i++].as<std::string>();
  run.pause_reason = row[i++].as<std::string>();
  run.restricted = row[i++].as<bool>();
  return run;
}

std::optional<RunRow> First(const pqxx::result& rows) {
  if (rows.empty()) return std::nullopt;
  return ReadRun(rows[0]);
}

nlohmann::json ParseJson(const pqxx::field& text) { return nlohmann::json::parse(text.c_str(), text.c_str() + text.size()); }

}  // namespace

Clock LockWorkflowIds(pqxx::transaction_base& tx, const std::vector<std::string>& ids) {
  const auto last = pg::Exec(tx, kLockWorkflowIds, pg::ArrayOf(ids)).back();
  return {last[1].as<int64_t>(), last[2].as<bool>()};
}

std::vector<RunRow> LockRuns(pqxx::transaction_base& tx, const std::vector<std::string>& run_ids, bool skip_locked) {
  std::vector<RunRow> runs;
  for (const auto& row : pg::Exec(tx, skip_locked ? kLockFreeRuns : kLockRuns, pg::ArrayOf(run_ids))) runs.push_back(ReadRun(row));
  return runs;
}

std::optional<RunRow> FindRun(pqxx::transaction_base& tx, const std::string& workflow_id, const std::string& run_id) {
  if (run_id.empty()) return First(pg::Exec(tx, kNewestRun, workflow_id));
  return First(pg::Exec(tx, kRunOfId, workflow_id, run_id));
}

std::vector<std::optional<RunRow>> FindRuns(pqxx::transaction_base& tx, const std::vector<std::pair<std::string, std::string>>& asked) {
  pg::Array workflows, runs;
  for (const auto& [workflow_id, run_id] : asked) {
    workflows.Add(workflow_id);
    runs.Add(run_id);
  }
  std::vector<std::optional<RunRow>> found(asked.size());
  for (const auto& row : pg::Exec(tx, kFindRuns, workflows.Text(), runs.Text())) {
    found[row["n"].as<size_t>() - 1] = ReadRun(row);
  }
  return found;
}

std::vector<RunRow> NewestRuns(pqxx::transaction_base& tx, const std::vector<std::string>& workflow_ids) {
  std::vector<RunRow> runs;
  for (const auto& row : pg::Exec(tx, kNewestRuns, pg::ArrayOf(workflow_ids))) runs.push_back(ReadRun(row));
  return runs;
}

std::optional<RunRow> FindRunByRequest(pqxx::transaction_base& tx, const std::string& workflow_id, const std::string& request_id) {
  return First(pg::Exec(tx, kRunByRequest, workflow_id, request_id));
}

std::vector<RunRow> ListRuns(pqxx::transaction_base& tx, int64_t before_seq, int limit, const std::string& status,
                             const std::string& type) {
  std::vector<RunRow> runs;
  for (const auto& row : tx.exec_params(kListRuns, before_seq, limit, status, type)) runs.push_back(ReadRun(row));
  return runs;
}

std::vector<RunRow> RunsOfIds(pqxx::transaction_base& tx, const std::vector<std::string>& run_ids, const std::string& status,
                              const std::string& type) {
  std::vector<RunRow> runs;
  for (const auto& row : pg::Exec(tx, kRunsOfIds, pg::ArrayOf(run_ids), status, type)) runs.push_back(ReadRun(row));
  return runs;
}

std::vector<Event> LoadHistory(pqxx::transaction_base& tx, const std::string& run_id, int64_t after, int limit, bool inputs) {
  std::vector<Event> events;
  for (const auto& row : pg::Exec(tx, inputs ? kLoadHistoryWithInputs : kLoadHistory, run_id, after, limit)) {
    events.push_back({row[0].as<int64_t>(), EventTypeFromName(row[1].as<std::string>()), row[2].as<int64_t>(), ParseJson(row[3])});
    if (inputs && !row[4].is_null()) events.back().attributes["input"] = row[4].as<std::string>();
  }
  return events;
}

std::vector<OpenRun> OpenRuns(pqxx::transaction_base& tx, int64_t after_seq, int limit) {
  std::vector<OpenRun> runs;
  if (!tx.exec1(kHasRuns)[0].as<bool>()) return runs;
  for (const auto& row : tx.exec_params(kOpenRuns, after_seq, limit)) {
    OpenRun run;
    run.seq = row[0].as<int64_t>();
    run.info.run_id = row[1].as<std::string>();
    run.info.workflow_id = row[2].as<std::string>();
    run.info.tenant = row[3].as<std::string>();
    run.info.type = row[4].as<std::string>();
    run.parked = row[5].as<bool>();
    runs.push_back(std::move(run));
  }
  return runs;
}

std::vector<InboxRow> LoadInbox(pqxx::transaction_base& tx, const std::string& run_id) {
  std::vector<InboxRow> rows;
  for (const auto& row : pg::Exec(tx, kLoadInbox, run_id)) {
    rows.push_back({row[0].as<int64_t>(), {0, EventTypeFromName(row[1].as<std::string>()), row[2].as<int64_t>(), ParseJson(row[3])}});
  }
  return rows;
}

bool WasTaken(pqxx::transaction_base& tx, const TaskKey& key, int64_t lease) {
  return !pg::Exec(tx, kWasTaken, key.run_id, key.event_id, lease).empty();
}

bool HasSignal(pqxx::transaction_base& tx, const std::string& run_id, const std::string& request_id) {
  return !pg::Exec(tx, kHasSignal, run_id, request_id).empty();
}

bool HasTimer(pqxx::transaction_base& tx, const TaskKey& key) { return !pg::Exec(tx, kHasTimer, key.run_id, key.event_id).empty(); }

std::vector<AttemptRow> LoadAttempts(pqxx::transaction_base& tx, const std::string& run_id, int limit) {
  std::vector<AttemptRow> attempts;
  for (const auto& row : tx.exec_params(kLoadAttempts, run_id, limit)) {
    AttemptRow attempt;
    attempt.key = {run_id, row[0].as<int64_t>()};
    attempt.activity_type = row[1].as<std::string>();
    attempt.activity_id = row[2].as<std::string>();
    attempt.attempt = row[3].as<int>();
    attempt.lease = row[4].as<int64_t>();
    attempt.worker_id = row[5].as<std::string>();
    attempt.started_time_us = row[6].as<int64_t>();
    attempt.ended_time_us = row[7].as<int64_t>();
    attempt.outcome = row[8].as<std::string>();
    attempt.failure = row[9].as<std::string>();
    attempts.push_back(std::move(attempt));
  }
  return attempts;
}

}  // namespace vora::workflow::repo
