#include "libs/workflow/store/retention_repo_internal.h"

#include "libs/pg/statement.h"

namespace vora::workflow::repo {
namespace {

constexpr pg::Statement kTakeWalk{"workflow_take_walk", R"(
    UPDATE workflow_duties SET next_us = vora_now_us() + $1 WHERE duty = 'retention' AND next_us <= vora_now_us() RETURNING result)"};
constexpr pg::Statement kPutWalk{"workflow_put_walk",
                                 "UPDATE workflow_duties SET next_us = vora_now_us() + $2, result = $1 WHERE duty = 'retention'"};
// By the primary key, whose order is that of the starts: nothing that started later than the shortest stay ago can have closed before.
// 86,400,000,000 microseconds are a day.
constexpr pg::Statement kLookForLeaving{"workflow_look_for_leaving", R"(
    WITH clock AS (SELECT vora_now_us() AS now_us, nullif($2::bigint, 0) AS days), page AS (SELECT r.run_id, r.tenant, r.close_time_us
      FROM workflow_runs r WHERE r.run_id > $1 AND r.run_id < (SELECT vora_run_ids_from(now_us - 86400000000 * least(clock.days,
      (SELECT min(nullif(t.days, 0)) FROM workflow_retention t))) FROM clock) ORDER BY r.run_id LIMIT $3)
    SELECT run_id, coalesce(close_time_us < now_us - 86400000000 * (CASE WHEN t.days IS NULL THEN clock.days
      ELSE nullif(t.days, 0)::bigint END), false) FROM clock, page LEFT JOIN workflow_retention t USING (tenant) ORDER BY run_id)"};
#define VORA_PAST_COLUMNS "p.run_id, p.workflow_id, p.request_id, p.tenant, p.status, p.close_time_us"
constexpr pg::Statement kRemoveRuns{"workflow_remove_runs", R"(
    WITH gone AS (DELETE FROM workflow_runs WHERE run_id IN (SELECT run_id FROM workflow_runs WHERE run_id = ANY($1::text[])
      AND status <> 'RUNNING' ORDER BY run_id FOR UPDATE SKIP LOCKED)
      RETURNING workflow_id, run_id, request_id, tenant, status, close_time_us),
    events AS (DELETE FROM workflow_events WHERE run_id = ANY($1::text[]) AND run_id IN (SELECT run_id FROM gone)),
    attempts AS (DELETE FROM workflow_attempts WHERE run_id = ANY($1::text[]) AND run_id IN (SELECT run_id FROM gone)),
    seconds AS (DELETE FROM activity_second_attempts WHERE run_id = ANY($1::text[]) AND run_id IN (SELECT run_id FROM gone)),
    known AS (INSERT INTO workflow_past_runs SELECT gone.*, vora_now_us() FROM gone ON CONFLICT DO NOTHING)
    SELECT count(*) FROM gone)"};
constexpr pg::Statement kForgetPastRuns{"workflow_forget_past_runs", R"(
    DELETE FROM workflow_past_runs WHERE (workflow_id, run_id) IN (SELECT workflow_id, run_id FROM workflow_past_runs
    WHERE left_us < vora_now_us() - 86400000000 * $1::bigint ORDER BY left_us LIMIT $2 FOR UPDATE SKIP LOCKED))"};
constexpr pg::Statement kFindPastRun{"workflow_find_past_run",
                                     "SELECT " VORA_PAST_COLUMNS
                                     " FROM workflow_past_runs p WHERE workflow_id = $1 AND ($2 = '' OR run_id = $2) "
                                     "ORDER BY run_id DESC LIMIT 1"};
constexpr pg::Statement kPastRuns{"workflow_past_runs",
                                  "SELECT " VORA_PAST_COLUMNS R"( FROM unnest($1::text[], $2::text[]) AS s(id, request)
    CROSS JOIN LATERAL ((SELECT * FROM workflow_past_runs WHERE workflow_id = id AND request_id = request AND request_id <> '' LIMIT 1)
    UNION ALL (SELECT * FROM workflow_past_runs WHERE workflow_id = id ORDER BY run_id DESC LIMIT 1)) AS p)"};

// Names and bounds are read from the catalogue; the first month has no lower bound, and the table for the rest has none at all. The row
// lock makes replicas take turns. Attaching takes a lock that neither readers nor writers of the histories mind; nobody knows the new table
// yet, and nobody but this needs the one for the rest, which is looked through if it is not empty. Rows of the month that lie there stay
// there.
constexpr char kMakeMonths[] = R"(
    DO $months$
    DECLARE
      this_month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC');
      parent text; month text; made_until text; until text;
    BEGIN
      SET LOCAL lock_timeout = '500ms';
      PERFORM 1 FROM workflow_duties WHERE duty = 'retention' FOR UPDATE;
      FOREACH parent IN ARRAY ARRAY['workflow_events', 'workflow_attempts'] LOOP
        SELECT max(substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([0-9a-f]+)''\)')) INTO made_until
          FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid WHERE i.inhparent = parent::regclass;
        FOR ahead IN 0..2 LOOP
          until := vora_run_ids_from((extract(epoch FROM this_month + make_interval(months => ahead + 1)) * 1000000)::bigint);
          CONTINUE WHEN until <= made_until;
          month := parent || to_char(this_month + make_interval(months => ahead), '_YYYY_MM');
          BEGIN
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL EXCLUDING IDENTITY)', month, parent);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)', parent, month, made_until, until);
          EXCEPTION WHEN check_violation THEN NULL;
          END;
          made_until := until;
        END LOOP;
      END LOOP;
    END $months$)";
// A day of grace for clocks that differ.
constexpr char kFindEmptyMonth[] = R"(
    WITH months AS (SELECT c.relname, i.inhparent, substring(pg_get_expr(c.relpartbound, c.oid) FROM 'FROM \(''([0-9a-f]+)''\)') AS begins,
      substring(pg_get_expr(c.relpartbound, c.oid) FROM 'TO \(''([0-9a-f]+)''\)') AS ends FROM pg_inherits i JOIN pg_class c
      ON c.oid = i.inhrelid WHERE i.inhparent IN ('workflow_events'::regclass, 'workflow_attempts'::regclass))
    SELECT relname FROM months WHERE ends <= vora_run_ids_from(vora_now_us() - 86400000000)
    AND NOT EXISTS (SELECT 1 FROM workflow_runs WHERE run_id >= coalesce(begins, '') AND run_id < ends) ORDER BY ends, relname LIMIT 1)";
constexpr char kDropTimeout[] = "SET LOCAL lock_timeout = '500ms'";

RunRow ReadPastRun(const pqxx::row& row) {
  RunRow run;
  run.run_id = row[0].as<std::string>();
  run.workflow_id = row[1].as<std::string>();
  run.request_id = row[2].as<std::string>();
  run.tenant = row[3].as<std::string>();
  run.status = row[4].as<std::string>();
  run.close_time_us = row[5].as<int64_t>();
  return run;
}

}  // namespace

std::optional<std::string> TakeWalk(pqxx::transaction_base& tx, int64_t at_most_us) {
  const auto rows = pg::Exec(tx, kTakeWalk, at_most_us);
  if (rows.empty()) return std::nullopt;
  return rows[0][0].as<std::string>();
}

void PutWalk(pqxx::transaction_base& tx, const std::string& after_run_id, int64_t due_in_us) {
  pg::Exec(tx, kPutWalk, after_run_id, due_in_us);
}

WalkStep LookForLeaving(pqxx::transaction_base& tx, const std::string& after_run_id, int64_t days, int limit) {
  WalkStep step;
  const auto rows = pg::Exec(tx, kLookForLeaving, after_run_id, days, limit);
  for (const auto& row : rows) {
    step.last = row[0].as<std::string>();
    if (row[1].as<bool>()) step.leaving.push_back(step.last);
  }
  step.end = static_cast<int>(rows.size()) < limit;
  return step;
}

int RemoveRuns(pqxx::transaction_base& tx, const std::vector<std::string>& run_ids) {
  return pg::Exec(tx, kRemoveRuns, pg::ArrayOf(run_ids))[0][0].as<int>();
}

int ForgetPastRuns(pqxx::transaction_base& tx, int64_t days, int limit) {
  return days == 0 ? 0 : static_cast<int>(pg::Exec(tx, kForgetPastRuns, days, limit).affected_rows());
}

void MakeMonths(pqxx::transaction_base& tx) { tx.exec(kMakeMonths); }

std::optional<std::string> FindEmptyMonth(pqxx::transaction_base& tx) {
  const auto rows = tx.exec(kFindEmptyMonth);
  if (rows.empty()) return std::nullopt;
  return rows[0][0].as<std::string>();
}

void DropMonth(pqxx::transaction_base& tx, const std::string& table) {
  tx.exec(kDropTimeout);
  tx.exec("DROP TABLE " + tx.quote_name(table));
}

std::optional<RunRow> FindPastRun(pqxx::transaction_base& tx, const std::string& workflow_id, const std::string& run_id) {
  const auto rows = pg::Exec(tx, kFindPastRun, workflow_id, run_id);
  if (rows.empty()) return std::nullopt;
  return ReadPastRun(rows[0]);
}

std::vector<RunRow> PastRuns(pqxx::transaction_base& tx, const std::vector<std::pair<std::string, std::string>>& ids_and_requests) {
  pg::Array ids, requests;
  for (const auto& [id, request] : ids_and_requests) {
    ids.Add(id);
    requests.Add(request);
  }
  std::vector<RunRow> runs;
  for (const auto& row : pg::Exec(tx, kPastRuns, ids.Text(), requests.Text())) runs.push_back(ReadPastRun(row));
  return runs;
}

}  // namespace vora::workflow::repo
