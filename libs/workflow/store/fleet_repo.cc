#include "libs/workflow/store/fleet_repo_internal.h"

#include "libs/pg/statement.h"

namespace vora::workflow::repo {
namespace {

constexpr char kSaveWorker[] = R"(
    INSERT INTO activity_workers (worker_id, queue, slots, running, encode_speed, version, last_seen_us)
    VALUES ($1, $2, $3, $4, $5, $6, vora_now_us()) ON CONFLICT (worker_id) DO UPDATE SET
    queue = excluded.queue, slots = excluded.slots, running = excluded.running, encode_speed = excluded.encode_speed,
    version = excluded.version, last_seen_us = excluded.last_seen_us)";
constexpr char kDeleteWorker[] = "DELETE FROM activity_workers WHERE worker_id = $1";
constexpr char kHeld[] = R"(
    SELECT run_id, scheduled_event_id, lease FROM activity_tasks WHERE worker_id = $1 AND state = 'STARTED'
    UNION ALL SELECT run_id, scheduled_event_id, lease FROM activity_second_attempts WHERE worker_id = $1 AND lease <> 0)";
// A minute in microseconds is what counts as alive, here and in stats_repo.cc. The activities are one aggregate per worker, so
// that this is one query however many workers there are.
constexpr char kWorkers[] = R"(
    SELECT w.worker_id, w.queue, w.slots, w.running, w.encode_speed, w.version, w.last_seen_us,
    coalesce((SELECT json_agg(held.workflow_id || ': ' || held.activity_id ORDER BY held.started_time_us) FROM
    (SELECT t.workflow_id, t.activity_id, t.started_time_us FROM activity_tasks t WHERE t.queue = w.queue AND t.worker_id = w.worker_id
    AND t.state = 'STARTED' UNION ALL SELECT t.workflow_id, t.activity_id, s.started_time_us FROM activity_second_attempts s
    JOIN activity_tasks t USING (run_id, scheduled_event_id) WHERE s.worker_id = w.worker_id AND s.lease <> 0) AS held), '[]')
    FROM activity_workers w WHERE w.last_seen_us >= vora_now_us() - 60000000 ORDER BY w.queue, w.worker_id)";
// A row that a transition holds is left out: what is new of it is moot, or comes again. A task claimed before its worker had a lease comes
// under it now; one whose worker has none keeps its own. The checkpoint of a second attempt is told again until that is in the place of the
// first. Progress is for people: what nobody would see is not written. A second in
// microseconds is what a worker whose connection broke has to show up again.
constexpr pg::Statement kRenew{"workflow_renew_leases", R"(
    WITH clock AS (SELECT vora_now_us() AS now_us, set_config('synchronous_commit', 'off', true) AS off),
    renewed AS (INSERT INTO activity_workers (worker_id, queue, slots, running, encode_speed, version, last_seen_us, lease_deadline_us)
      SELECT w.*, now_us, now_us + $7::bigint FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::double precision[],
      $6::text[]) AS w, clock ON CONFLICT (worker_id) DO UPDATE SET queue = excluded.queue, slots = excluded.slots,
      running = excluded.running, encode_speed = excluded.encode_speed, version = excluded.version, last_seen_us = excluded.last_seen_us,
      lease_deadline_us = excluded.lease_deadline_us),
    shortened AS (UPDATE activity_workers SET lease_deadline_us = least(lease_deadline_us, now_us + 1000000) FROM clock
      WHERE worker_id = ANY($8::text[]) AND NOT worker_id = ANY($1::text[])),
    stored AS (UPDATE activity_tasks t SET progress = n.progress, checkpoint = CASE WHEN n.checkpoint = '' THEN t.checkpoint
      ELSE n.checkpoint END, item_progress = n.items, lease_deadline_us = NULL FROM (SELECT t.ctid, n.progress, n.checkpoint, n.items
      FROM unnest($9::text[], $10::bigint[], $11::bigint[], $12::double precision[], $13::text[], $14::text[]) AS n(run_id, event_id,
      lease, progress, checkpoint, items) JOIN activity_tasks t ON
      t.run_id = n.run_id AND t.scheduled_event_id = n.event_id AND t.lease = n.lease AND t.state = 'STARTED'
      AND (n.checkpoint <> '' OR abs(t.progress - n.progress) >= 0.01 OR t.lease_deadline_us IS NOT NULL)
      FOR UPDATE OF t SKIP LOCKED) AS n WHERE t.ctid = n.ctid RETURNING t.run_id, t.scheduled_event_id, t.lease),
    stored_second AS (UPDATE activity_second_attempts s SET progress = n.progress, item_progress = n.items, lease_deadline_us = NULL
      FROM (SELECT s.ctid, n.progress, n.items FROM unnest($9::text[], $10::bigint[], $11::bigint[], $12::double precision[], $14::text[])
      AS n(run_id, event_id, lease, progress, items) JOIN activity_second_attempts s ON s.run_id = n.run_id
      AND s.scheduled_event_id = n.event_id AND s.lease = n.lease AND (abs(s.progress - n.progress) >= 0.01
      OR s.lease_deadline_us IS NOT NULL) FOR UPDATE OF s SKIP LOCKED) AS n WHERE s.ctid = n.ctid)
    SELECT t.run_id, t.scheduled_event_id, t.lease, t.worker_id, t.cancel_requested, now_us - coalesce(t.started_time_us, now_us),
      NOT t.worker_id = ANY($1::text[]), t.release_requested, false FROM clock, activity_tasks t LEFT JOIN activity_workers w ON w.worker_id = t.worker_id
      WHERE t.state = 'STARTED' AND (t.worker_id = ANY($1::text[]) OR t.lease_deadline_us IS NULL
      AND (t.heartbeat_us > 0 OR w.lease_deadline_us IS NOT NULL) AND coalesce(w.lease_deadline_us, 0) <= now_us)
    UNION ALL SELECT s.run_id, s.scheduled_event_id, s.lease, s.worker_id, t.cancel_requested, now_us - s.started_time_us,
      NOT s.worker_id = ANY($1::text[]), t.release_requested, false FROM clock, activity_second_attempts s
      JOIN activity_tasks t USING (run_id, scheduled_event_id) LEFT JOIN activity_workers w ON w.worker_id = s.worker_id
      WHERE s.lease <> 0 AND t.state = 'STARTED' AND (s.worker_id = ANY($1::text[]) OR s.lease_deadline_us IS NULL
      AND (t.heartbeat_us > 0 OR w.lease_deadline_us IS NOT NULL) AND coalesce(w.lease_deadline_us, 0) <= now_us)
    UNION ALL SELECT run_id, scheduled_event_id, lease, '', false, 0, false, false, true FROM stored)"};

}  // namespace

Renewed RenewLeases(pqxx::transaction_base& tx, const Renewal& renewal, int64_t lease_us) {
  pg::Array ids, queues, slots, running, speeds, versions, runs, events, leases, progress, checkpoints, items;
  for (const auto& worker : renewal.workers) {
    ids.Add(worker.worker_id);
    queues.Add(worker.queue);
    slots.Add(worker.slots);
    running.Add(worker.running);
    speeds.Add(worker.encode_speed);
    versions.Add(worker.version);
  }
  for (const auto& task : renewal.tasks) {
    runs.Add(task.key.run_id);
    events.Add(task.key.event_id);
    leases.Add(task.lease);
    progress.Add(task.progress);
    checkpoints.Add(task.checkpoint);
    items.Add(task.item_progress);
  }
  Renewed renewed;
  for (const auto& row :
       pg::Exec(tx, kRenew, ids.Text(), queues.Text(), slots.Text(), running.Text(), speeds.Text(), versions.Text(), lease_us,
                pg::ArrayOf(renewal.gone), runs.Text(), events.Text(), leases.Text(), progress.Text(), checkpoints.Text(), items.Text())) {
    HeldTask held{row[0].as<std::string>(), row[1].as<int64_t>(), row[2].as<int64_t>(), row[3].as<std::string>(),
                  row[4].as<bool>(),        row[5].as<int64_t>(), row[6].as<bool>(),    row[7].as<bool>()};
    if (row[8].as<bool>()) {
      renewed.stored.push_back({{held.run_id, held.scheduled_event_id}, held.lease, 0, {}, {}});
    } else {
      renewed.held.push_back(std::move(held));
    }
  }
  return renewed;
}

void SaveWorker(pqxx::transaction_base& tx, const WorkerRow& worker) {
  tx.exec_params(kSaveWorker, worker.worker_id, worker.queue, worker.slots, worker.running, worker.encode_speed, worker.version);
}

void DeleteWorker(pqxx::transaction_base& tx, const std::string& worker_id) { tx.exec_params(kDeleteWorker, worker_id); }

std::vector<HeldTask> TasksHeldBy(pqxx::transaction_base& tx, const std::string& worker_id) {
  std::vector<HeldTask> held;
  for (const auto& row : tx.exec_params(kHeld, worker_id)) {
    held.push_back({row[0].as<std::string>(), row[1].as<int64_t>(), row[2].as<int64_t>(), worker_id});
  }
  return held;
}

std::vector<WorkerRow> ReadWorkers(pqxx::transaction_base& tx) {
  std::vector<WorkerRow> workers;
  for (const auto& row : tx.exec(kWorkers)) {
    WorkerRow worker{row[0].as<std::string>(), row[1].as<std::string>(), row[2].as<int>(),     row[3].as<int>(),
                     row[4].as<double>(),      row[5].as<std::string>(), row[6].as<int64_t>(), {}};
    for (const auto& activity : nlohmann::json::parse(row[7].as<std::string>())) worker.activities.push_back(activity.get<std::string>());
    workers.push_back(std::move(worker));
  }
  return workers;
}

}  // namespace vora::workflow::repo
