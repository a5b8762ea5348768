#include "libs/workflow/store/due_repo_internal.h"

#include "libs/pg/statement.h"

namespace vora::workflow::repo {
namespace {

// Each minimum is the first entry of an index.
constexpr pg::Statement kNextDue{"workflow_next_due", R"(
    SELECT CASE WHEN due IS NOT NULL THEN greatest(0, due - vora_now_us()) END FROM (SELECT least((SELECT min(coalesce(look_at_us, fire_at_us)) FROM workflow_timers),
    (SELECT min(visible_at_us) FROM activity_tasks WHERE state = 'DELAYED'),
    (SELECT min(greatest(next_deadline_us, look_at_us)) FROM activity_tasks WHERE next_deadline_us IS NOT NULL),
    (SELECT min(least(attempt_deadline_us, lease_deadline_us)) FROM activity_second_attempts WHERE lease <> 0),
    (SELECT min(execution_deadline_us) FROM workflow_runs WHERE status = 'RUNNING' AND execution_deadline_us IS NOT NULL)) AS due) AS d)"};
// Five seconds in microseconds are far more than firing takes. fire_at_us is kept for people.
constexpr pg::Statement kTakeTimers{"workflow_take_timers", R"(
    UPDATE workflow_timers t SET look_at_us = (SELECT vora_now_us()) + 5000000 FROM (SELECT run_id, started_event_id FROM workflow_timers
    WHERE coalesce(look_at_us, fire_at_us) <= (SELECT vora_now_us()) ORDER BY coalesce(look_at_us, fire_at_us) LIMIT $1
    FOR UPDATE SKIP LOCKED) AS due WHERE t.run_id = due.run_id AND t.started_event_id = due.started_event_id
    RETURNING t.run_id, t.started_event_id)"};
constexpr pg::Statement kReleaseDelayed{"workflow_release_delayed", R"(
    UPDATE activity_tasks t SET state = 'SCHEDULED' FROM (SELECT run_id, scheduled_event_id FROM activity_tasks WHERE state = 'DELAYED'
    AND visible_at_us <= (SELECT vora_now_us()) ORDER BY visible_at_us LIMIT $1 FOR UPDATE SKIP LOCKED) AS due
    WHERE t.run_id = due.run_id AND t.scheduled_event_id = due.scheduled_event_id RETURNING t.queue)"};
constexpr pg::Statement kTakeOverdue{"workflow_take_overdue", R"(
    UPDATE activity_tasks t SET look_at_us = (SELECT vora_now_us()) + 5000000 FROM (SELECT run_id, scheduled_event_id FROM activity_tasks
    WHERE next_deadline_us IS NOT NULL AND greatest(next_deadline_us, look_at_us) <= (SELECT vora_now_us())
    AND ($1::boolean OR state <> 'STARTED' OR least(schedule_to_close_deadline_us, attempt_deadline_us) <= (SELECT vora_now_us()))
    ORDER BY greatest(next_deadline_us, look_at_us) LIMIT $2 FOR UPDATE SKIP LOCKED) AS due
    WHERE t.run_id = due.run_id AND t.scheduled_event_id = due.scheduled_event_id RETURNING t.run_id, t.scheduled_event_id)"};
// As many as there are slots, at most. A replica of the version before this table ends a task and knows nothing of its second attempt.
constexpr pg::Statement kOverdueSeconds{"workflow_overdue_second_attempts", R"(
    WITH overdue AS (SELECT run_id, scheduled_event_id FROM activity_second_attempts WHERE lease <> 0 AND
      (attempt_deadline_us <= (SELECT vora_now_us()) OR ($1::boolean AND lease_deadline_us <= (SELECT vora_now_us())))),
    left_over AS (DELETE FROM activity_second_attempts s USING overdue o WHERE s.run_id = o.run_id
      AND s.scheduled_event_id = o.scheduled_event_id AND NOT EXISTS (SELECT 1 FROM activity_tasks t WHERE t.run_id = o.run_id
      AND t.scheduled_event_id = o.scheduled_event_id))
    SELECT run_id, scheduled_event_id FROM overdue)"};
constexpr pg::Statement kOverdueRuns{"workflow_overdue_runs", R"(
    SELECT run_id FROM workflow_runs WHERE status = 'RUNNING' AND execution_deadline_us <= (SELECT vora_now_us())
    ORDER BY execution_deadline_us LIMIT $1)"};
// `stuck_reason <> ''` is the predicate of the partial index; written otherwise the planner would not use it. Inboxes are empty but for
// parked runs.
constexpr pg::Statement kParkedRuns{"workflow_parked_runs", R"(
    (SELECT run_id, seq FROM workflow_runs WHERE stuck_reason <> '' AND status = 'RUNNING' AND NOT ($1 = ANY(parked_builds)) AND seq > $2
    ORDER BY seq LIMIT $3) UNION (SELECT r.run_id, r.seq FROM (SELECT DISTINCT run_id FROM workflow_inbox) AS i
    JOIN workflow_runs r ON r.run_id = i.run_id WHERE r.status = 'RUNNING' AND r.stuck_reason = '' AND r.seq > $2) ORDER BY 2 LIMIT $3)"};

std::vector<TaskKey> Keys(const pqxx::result& rows) {
  std::vector<TaskKey> keys;
  for (const auto& row : rows) keys.push_back({row[0].as<std::string>(), row[1].as<int64_t>()});
  return keys;
}

std::vector<std::string> FirstColumn(const pqxx::result& rows) {
  std::vector<std::string> values;
  for (const auto& row : rows) values.push_back(row[0].as<std::string>());
  return values;
}

}  // namespace

std::optional<int64_t> NextDueIn(pqxx::transaction_base& tx) {
  const auto field = pg::Exec(tx, kNextDue)[0][0];
  if (field.is_null()) return std::nullopt;
  return field.as<int64_t>();
}

std::vector<TaskKey> TakeDueTimers(pqxx::transaction_base& tx, int limit) { return Keys(pg::Exec(tx, kTakeTimers, limit)); }

Released ReleaseDelayedTasks(pqxx::transaction_base& tx, int limit) {
  Released released;
  for (const auto& row : pg::Exec(tx, kReleaseDelayed, limit)) {
    released.queues.insert(row[0].as<std::string>());
    ++released.tasks;
  }
  return released;
}

std::vector<TaskKey> TakeOverdueTasks(pqxx::transaction_base& tx, bool leases_too, int limit) {
  return Keys(pg::Exec(tx, kTakeOverdue, leases_too, limit));
}

std::vector<TaskKey> TasksWithOverdueSecond(pqxx::transaction_base& tx, bool leases_too) {
  return Keys(pg::Exec(tx, kOverdueSeconds, leases_too));
}

std::vector<std::string> OverdueRuns(pqxx::transaction_base& tx, int limit) { return FirstColumn(pg::Exec(tx, kOverdueRuns, limit)); }

std::vector<ParkedRun> ParkedRuns(pqxx::transaction_base& tx, const std::string& build_id, int64_t after_seq, int limit) {
  std::vector<ParkedRun> runs;
  for (const auto& row : pg::Exec(tx, kParkedRuns, build_id, after_seq, limit)) {
    runs.push_back({row[0].as<std::string>(), row[1].as<int64_t>()});
  }
  return runs;
}

}  // namespace vora::workflow::repo
