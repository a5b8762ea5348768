#include "libs/workflow/store/change_repo_internal.h"

#include "libs/pg/statement.h"
#include "libs/workflow/core/group_rules.h"

namespace vora::workflow::repo {
namespace {

constexpr pg::Statement kInsertRuns{"workflow_insert_runs", R"(
    INSERT INTO workflow_runs (run_id, workflow_id, tenant, type, request_id, traceparent, start_time_us, execution_deadline_us, status,
    close_time_us, history_length, result, failure, stuck_reason, parked_builds, priority, rank)
    SELECT r.run_id, r.workflow_id, r.tenant, r.type, r.request_id, r.traceparent, r.start, r.deadline, r.status, r.close, r.length, r.result,
    r.failure, r.parked, r.builds::text[], r.priority, r.rank FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
    $8::bigint[], $9::text[], $10::bigint[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::integer[], $17::bigint[]) AS r(run_id, workflow_id,
    tenant, type, request_id, traceparent, start, deadline, status, close, length, result, failure, parked, builds, priority, rank))"};
// The four things that nearly every transition writes, in one round trip. The primary key (run_id, event_id) is the last guard: two
// transitions that got past the lock could not both write event n. Tasks are inserted in the order in which the code scheduled them, which
// the identity column seq keeps.
constexpr pg::Statement kTransition{"workflow_transition", R"(
    WITH events AS (INSERT INTO workflow_events (run_id, event_id, type, time_us, attributes, payload)
      SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::text[], $6::text[])),
    ended AS (DELETE FROM activity_tasks t USING unnest($7::text[], $8::bigint[]) AS e(run_id, event_id)
      WHERE t.run_id = e.run_id AND t.scheduled_event_id = e.event_id),
    scheduled AS (INSERT INTO activity_tasks (run_id, scheduled_event_id, workflow_id, tenant, traceparent, queue, activity_type, activity_id,
      items, item_wait_us, priority, estimated_cost, input, retry, schedule_to_start_us, start_to_close_us, heartbeat_us, scheduled_time_us,
      visible_at_us, schedule_to_start_deadline_us, schedule_to_close_deadline_us, first_play, rank, place, state, lease, worker_id,
      started_time_us, attempt_deadline_us, progress_weight, allows_second, lease_deadline_us)
      SELECT t.run_id, t.event_id, t.workflow_id, t.tenant, t.traceparent, t.queue, t.type, t.id, t.items, t.item_wait, t.priority, t.cost, t.input,
      t.retry, t.schedule_to_start, t.start_to_close, t.heartbeat, t.scheduled, t.scheduled, t.start_deadline, t.close_deadline,
      t.first_play, t.rank, t.place, t.state, t.lease, t.worker, t.started, t.attempt_deadline, t.weight, t.allows_second,
      CASE WHEN t.started IS NOT NULL AND t.heartbeat > 0 AND NOT EXISTS (SELECT 1 FROM activity_workers w WHERE w.worker_id = t.worker
      AND w.lease_deadline_us > t.started) THEN t.started + t.heartbeat END
      FROM unnest($9::text[], $10::bigint[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[], $17::text[],
      $18::integer[], $19::double precision[], $20::text[], $21::text[], $22::bigint[], $23::bigint[], $24::bigint[], $25::bigint[],
      $26::bigint[], $27::bigint[], $28::boolean[], $29::bigint[], $30::bigint[], $31::text[], $32::bigint[], $33::text[], $34::bigint[],
      $35::bigint[], $36::bigint[], $37::double precision[], $38::boolean[]) WITH ORDINALITY AS t(run_id, event_id, workflow_id, tenant, traceparent, queue,
      type, id, items, priority, cost, input, retry, schedule_to_start, start_to_close, heartbeat, scheduled, start_deadline, close_deadline, first_play, rank,
      place, state, lease, worker, started, attempt_deadline, item_wait, weight, allows_second, n) ORDER BY t.n)
    UPDATE workflow_runs r SET status = c.status, close_time_us = c.close, history_length = c.length, result = c.result,
      failure = c.failure, cancel_requested = c.cancel, stuck_reason = c.parked, parked_builds = c.builds::text[], rank = c.rank,
      last_event_us = CASE WHEN r.history_length = c.length THEN r.last_event_us ELSE vora_now_us() END
    FROM unnest($39::text[], $40::text[], $41::bigint[], $42::bigint[], $43::text[], $44::text[], $45::boolean[], $46::text[], $47::text[],
      $48::bigint[]) AS c(run_id, status, close, length, result, failure, cancel, parked, builds, rank) WHERE r.run_id = c.run_id)"};
constexpr pg::Statement kUpdateTasks{"workflow_update_tasks", R"(
    UPDATE activity_tasks t SET state = c.state, attempt = c.attempt, losses = c.losses, visible_at_us = c.visible,
    last_reported_lease = c.reported, worker_id = c.worker, started_time_us = c.started, attempt_deadline_us = c.attempt_deadline,
    lease_deadline_us = c.lease_deadline, schedule_to_start_deadline_us = c.start_deadline, cancel_requested = c.cancel,
    last_failure = c.failure, look_at_us = NULL, checkpoint = CASE WHEN c.checkpoint = '' THEN t.checkpoint ELSE c.checkpoint END, rank = c.rank,
    release_requested = c.release, items = c.items, item_progress = c.item_progress, estimated_cost = c.cost,
    lease = c.lease, progress = c.progress
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::integer[], $5::integer[], $6::bigint[], $7::bigint[], $8::text[], $9::bigint[],
    $10::bigint[], $11::bigint[], $12::bigint[], $13::boolean[], $14::text[], $15::text[], $16::bigint[], $17::boolean[], $18::text[],
    $19::text[], $20::double precision[], $21::bigint[], $22::double precision[]) AS c(run_id, event_id, state, attempt, losses, visible, reported, worker, started,
    attempt_deadline, lease_deadline, start_deadline, cancel, failure, checkpoint, rank, release, items, item_progress, cost, lease,
    progress)
    WHERE t.run_id = c.run_id AND t.scheduled_event_id = c.event_id)"};
constexpr pg::Statement kControlRuns{"workflow_control_runs", R"(
    UPDATE workflow_runs r SET paused_at_us = c.paused_at, paused_by = c.paused_by, pause_reason = c.reason, priority = c.priority
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::integer[]) AS c(run_id, paused_at, paused_by, reason, priority)
    WHERE r.run_id = c.run_id)"};
constexpr pg::Statement kInsertTimers{"workflow_insert_timers", R"(
    INSERT INTO workflow_timers (run_id, started_event_id, timer_id, fire_at_us, look_at_us)
    SELECT t.*, t.fire_at FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[]) AS t(run_id, event_id, timer_id, fire_at))"};
constexpr pg::Statement kDeleteTimers{"workflow_delete_timers", R"(
    DELETE FROM workflow_timers t USING unnest($1::text[], $2::bigint[]) AS e(run_id, event_id)
    WHERE t.run_id = e.run_id AND t.started_event_id = e.event_id)"};
constexpr pg::Statement kClose{"workflow_close", R"(
    WITH tasks AS (DELETE FROM activity_tasks WHERE run_id = ANY($1::text[])),
    seconds AS (DELETE FROM activity_second_attempts WHERE run_id = ANY($1::text[])), timers AS (DELETE FROM workflow_timers WHERE run_id = ANY($1::text[]))
    DELETE FROM workflow_inbox WHERE run_id = ANY($1::text[]))"};
constexpr pg::Statement kWriteSecondAttempts{"workflow_write_second_attempts", R"(
    INSERT INTO activity_second_attempts (run_id, scheduled_event_id, lease, worker_id, started_time_us, progress, item_progress,
    attempt_deadline_us, lease_deadline_us) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[],
    $6::double precision[], $7::text[], $8::bigint[], $9::bigint[]) ON CONFLICT (run_id, scheduled_event_id) DO UPDATE SET
    lease = excluded.lease, worker_id = excluded.worker_id, started_time_us = excluded.started_time_us, progress = excluded.progress,
    item_progress = excluded.item_progress, attempt_deadline_us = excluded.attempt_deadline_us,
    lease_deadline_us = excluded.lease_deadline_us)"};
constexpr pg::Statement kDeleteSecondAttempts{"workflow_delete_second_attempts", R"(
    DELETE FROM activity_second_attempts s USING unnest($1::text[], $2::bigint[]) AS e(run_id, event_id)
    WHERE s.run_id = e.run_id AND s.scheduled_event_id = e.event_id)"};
constexpr pg::Statement kEmptyInboxes{"workflow_empty_inboxes", "DELETE FROM workflow_inbox WHERE run_id = ANY($1::text[])"};
constexpr pg::Statement kInsertInbox{"workflow_insert_inbox", R"(
    INSERT INTO workflow_inbox (run_id, time_us, type, attributes) SELECT i.run_id, i.time_us, i.type, i.attributes
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) WITH ORDINALITY AS i(run_id, time_us, type, attributes, n) ORDER BY i.n)"};
constexpr pg::Statement kInsertAttempts{"workflow_insert_attempts", R"(
    INSERT INTO workflow_attempts (run_id, scheduled_event_id, activity_type, activity_id, attempt, lease, worker_id, started_time_us,
    ended_time_us, outcome, failure) SELECT * FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[], $5::integer[], $6::bigint[],
    $7::text[], $8::bigint[], $9::bigint[], $10::text[], $11::text[]))"};

// Columns side by side, as parameters of unnest.
template <size_t N>
struct Columns {
  std::array<pg::Array, N> columns;
  template <typename... Values>
  void Row(const Values&... values) {
    static_assert(sizeof...(Values) == N);
    size_t i = 0;
    (columns[i++].Add(values), ...);
  }
};

template <size_t... I, size_t... J, size_t... K, size_t... L>
void ExecAll(pqxx::transaction_base& tx, const pg::Statement& statement, const Columns<sizeof...(I)>& a, std::index_sequence<I...>,
             const Columns<sizeof...(J)>& b, std::index_sequence<J...>, const Columns<sizeof...(K)>& c, std::index_sequence<K...>,
             const Columns<sizeof...(L)>& d, std::index_sequence<L...>) {
  pg::Exec(tx, statement, a.columns[I].Text()..., b.columns[J].Text()..., c.columns[K].Text()..., d.columns[L].Text()...);
}

template <size_t... I>
void ExecColumns(pqxx::transaction_base& tx, const pg::Statement& statement, const Columns<sizeof...(I)>& a, std::index_sequence<I...>) {
  pg::Exec(tx, statement, a.columns[I].Text()...);
}

template <size_t N>
void WriteRows(pqxx::transaction_base& tx, const pg::Statement& statement, const Columns<N>& a) {
  ExecColumns(tx, statement, a, std::make_index_sequence<N>());
}

// What is not UTF-8 (in a result of the code, say) is replaced rather than refused.
std::string Dump(const nlohmann::json& json) { return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace); }

void AddEvent(Columns<6>& rows, const std::string& run_id, const Event& event) {
  // The input of an activity is in its task; a replay has no need of it.
  const auto input = event.attributes.find("input");
  const bool apart = event.type == v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED && input != event.attributes.end();
  std::optional<std::string> payload;
  nlohmann::json rest;
  if (apart) {
    payload = input->get<std::string>();
    rest = event.attributes;
    rest.erase("input");
  }
  rows.Row(run_id, event.id, EventTypeName(event.type), event.time_us, Dump(apart ? rest : event.attributes), payload);
}

const char* StateOf(const TaskRow& task) {
  return task.started ? "STARTED" : task.held ? "PAUSED" : task.delayed ? "DELAYED" : "SCHEDULED";
}

void AddTask(Columns<30>& rows, const TaskRow& t) {
  rows.Row(t.run_id, t.scheduled_event_id, t.workflow_id, t.tenant, t.traceparent, t.queue, t.activity_type, t.activity_id,
           ItemsToJson(t.items), t.priority, t.estimated_cost, t.input, t.retry, t.schedule_to_start_us, t.start_to_close_us,
           t.heartbeat_us, t.scheduled_time_us, t.schedule_to_start_deadline_us, t.schedule_to_close_deadline_us, t.first_play, t.rank,
           t.place, StateOf(t), t.lease, t.worker_id, t.started_time_us, t.attempt_deadline_us, t.item_wait_us, t.progress_weight,
           t.allows_second);
}

void WriteTransitions(pqxx::transaction_base& tx, const Changes& changes) {
  Columns<6> events;
  Columns<2> ended;
  Columns<30> tasks;
  Columns<10> runs;
  for (const auto& [run_id, event] : changes.events) AddEvent(events, run_id, event);
  for (const auto& key : changes.ended_tasks) ended.Row(key.run_id, key.event_id);
  for (const auto& task : changes.new_tasks) AddTask(tasks, task);
  for (const auto& r : changes.runs) {
    runs.Row(r.run_id, r.status, r.close_time_us, r.history_length, r.result, r.failure, r.cancel_requested, r.parked_reason,
             pg::ArrayOf(r.parked_builds), r.rank);
  }
  ExecAll(tx, kTransition, events, std::make_index_sequence<6>(), ended, std::make_index_sequence<2>(), tasks,
          std::make_index_sequence<30>(), runs, std::make_index_sequence<10>());
}

void WriteNewRuns(pqxx::transaction_base& tx, const Changes& changes) {
  Columns<17> rows;
  for (const auto& r : changes.new_runs) {
    rows.Row(r.run_id, r.workflow_id, r.tenant, r.type, r.request_id, r.traceparent, r.start_time_us, r.execution_deadline_us, r.status,
             r.close_time_us, r.history_length, r.result, r.failure, r.parked_reason, pg::ArrayOf(r.parked_builds), r.priority, r.rank);
  }
  WriteRows(tx, kInsertRuns, rows);
}

void WriteTasks(pqxx::transaction_base& tx, const Changes& changes) {
  Columns<22> rows;
  for (const auto& t : changes.tasks) {
    rows.Row(t.run_id, t.scheduled_event_id, StateOf(t), t.attempt, t.losses, t.visible_at_us, t.last_reported_lease, t.worker_id,
             t.started_time_us, t.attempt_deadline_us, t.lease_deadline_us, t.schedule_to_start_deadline_us, t.cancel_requested,
             t.last_failure, t.checkpoint, t.rank, t.release_requested, ItemsToJson(t.items), t.item_progress, t.estimated_cost, t.lease,
             t.progress);
  }
  WriteRows(tx, kUpdateTasks, rows);
}

void WriteControls(pqxx::transaction_base& tx, const Changes& changes) {
  Columns<5> rows;
  for (const auto& r : changes.controlled_runs) rows.Row(r.run_id, r.paused_at_us, r.paused_by, r.pause_reason, r.priority);
  WriteRows(tx, kControlRuns, rows);
}

void DeleteRows(pqxx::transaction_base& tx, const pg::Statement& statement, const std::vector<TaskKey>& keys) {
  Columns<2> rows;
  for (const auto& key : keys) rows.Row(key.run_id, key.event_id);
  WriteRows(tx, statement, rows);
}

void WriteSecondAttempts(pqxx::transaction_base& tx, const Changes& changes) {
  Columns<9> rows;
  for (const auto& [key, second] : changes.second_attempts) {
    rows.Row(key.run_id, key.event_id, second.lease, second.worker_id, second.started_time_us, second.progress, second.item_progress,
             second.attempt_deadline_us, second.lease_deadline_us);
  }
  WriteRows(tx, kWriteSecondAttempts, rows);
}

void WriteRest(pqxx::transaction_base& tx, const Changes& changes) {
  if (!changes.timers.empty()) {
    Columns<4> rows;
    for (const auto& t : changes.timers) rows.Row(t.run_id, t.started_event_id, t.timer_id, t.fire_at_us);
    WriteRows(tx, kInsertTimers, rows);
  }
  if (!changes.ended_timers.empty()) DeleteRows(tx, kDeleteTimers, changes.ended_timers);
  if (!changes.emptied_inboxes.empty()) pg::Exec(tx, kEmptyInboxes, pg::ArrayOf(changes.emptied_inboxes));
  if (!changes.inbox.empty()) {
    Columns<4> rows;
    for (const auto& [run_id, event] : changes.inbox) rows.Row(run_id, event.time_us, EventTypeName(event.type), Dump(event.attributes));
    WriteRows(tx, kInsertInbox, rows);
  }
  if (!changes.attempts.empty()) {
    Columns<11> rows;
    for (const auto& a : changes.attempts) {
      rows.Row(a.key.run_id, a.key.event_id, a.activity_type, a.activity_id, a.attempt, a.lease, a.worker_id, a.started_time_us,
               a.ended_time_us, a.outcome, a.failure);
    }
    WriteRows(tx, kInsertAttempts, rows);
  }
}

}  // namespace

void WriteChanges(pqxx::transaction_base& tx, const Changes& changes) {
  if (!changes.new_runs.empty()) WriteNewRuns(tx, changes);
  if (!changes.events.empty() || !changes.ended_tasks.empty() || !changes.new_tasks.empty() || !changes.runs.empty()) {
    WriteTransitions(tx, changes);
  }
  if (!changes.tasks.empty()) WriteTasks(tx, changes);
  if (!changes.controlled_runs.empty()) WriteControls(tx, changes);
  // After the events, whose run it closes.
  if (!changes.closed_runs.empty()) pg::Exec(tx, kClose, pg::ArrayOf(changes.closed_runs));
  // After all tasks: who renews leases holds rows of these when it comes to the second attempts.
  if (!changes.second_attempts.empty()) WriteSecondAttempts(tx, changes);
  if (!changes.ended_second_attempts.empty()) DeleteRows(tx, kDeleteSecondAttempts, changes.ended_second_attempts);
  WriteRest(tx, changes);
}

}  // namespace vora::workflow::repo
