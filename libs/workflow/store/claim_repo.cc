#include "libs/workflow/store/claim_repo_internal.h"

#include <algorithm>

#include "libs/pg/statement.h"
#include "libs/workflow/core/group_rules.h"
#include "libs/workflow/core/task_token.h"
#include "libs/workflow/store/task_row_internal.h"

namespace vora::workflow::repo {
namespace {

// The tenants are found by a walk from one to the next over the index, and of each only the heads of its two stages: however much waits,
// this reads a few entries per tenant.
constexpr pg::Statement kReady{"workflow_ready", R"(
    WITH RECURSIVE clock AS (SELECT vora_now_us() AS now_us), tenants AS (
      (SELECT tenant FROM activity_tasks WHERE queue = $1 AND state = 'SCHEDULED' ORDER BY tenant LIMIT 1)
      UNION ALL SELECT (SELECT t.tenant FROM activity_tasks t WHERE t.queue = $1 AND t.state = 'SCHEDULED' AND t.tenant > tenants.tenant
      ORDER BY t.tenant LIMIT 1) FROM tenants WHERE tenants.tenant IS NOT NULL)
    SELECT head.run_id, head.scheduled_event_id, tenants.tenant, stage.first_play, head.rank, head.place, head.estimated_cost,
      head.activity_type, now_us, (SELECT EXISTS (SELECT 1 FROM workflow_queues) OR EXISTS (SELECT 1 FROM workflow_tenants))
    FROM clock, tenants, (VALUES (true), (false)) AS stage(first_play), LATERAL (SELECT * FROM activity_tasks t WHERE t.queue = $1
      AND t.state = 'SCHEDULED' AND t.tenant = tenants.tenant AND t.first_play = stage.first_play AND t.visible_at_us <= now_us
      AND (cardinality($2::text[]) = 0 OR t.activity_type = ANY($2::text[])) ORDER BY t.rank, t.run_id, t.place LIMIT $3) AS head
    WHERE tenants.tenant IS NOT NULL AND NOT EXISTS (SELECT 1 FROM workflow_queues WHERE queue = $1 AND paused)
    AND NOT EXISTS (SELECT 1 FROM workflow_tenants p WHERE p.tenant = tenants.tenant AND p.paused))"};
// What runs is no more than the fleet has slots. The last row is the queue's.
constexpr pg::Statement kLoads{"workflow_loads", R"(
    WITH attempts AS (SELECT tenant, estimated_cost FROM activity_tasks WHERE state = 'STARTED' AND queue = $1
      UNION ALL SELECT t.tenant, t.estimated_cost FROM activity_second_attempts s JOIN activity_tasks t USING (run_id, scheduled_event_id)
      WHERE s.lease <> 0 AND t.queue = $1),
    running AS (SELECT tenant, count(*) AS running, sum(estimated_cost) AS cost FROM attempts GROUP BY tenant)
    SELECT tenant, coalesce(running, 0), coalesce(cost, 0), coalesce(weight, 1), coalesce(max_running, 0), coalesce(max_starts_per_second, 0)
    FROM running FULL JOIN workflow_tenants USING (tenant)
    UNION ALL SELECT NULL, coalesce((SELECT sum(running) FROM running), 0), 0, 1, coalesce(max(max_running), 0),
    coalesce(max(max_starts_per_second), 0) FROM workflow_queues WHERE queue = $1)"};
// SKIP LOCKED lets replicas pass each other; what another one has taken meanwhile is not SCHEDULED any more. While a worker has a lease,
// that stands for those of its tasks.
constexpr pg::Statement kClaim{"workflow_claim", R"(
    WITH ready AS (SELECT t.run_id, t.scheduled_event_id, p.worker FROM unnest($2::text[], $3::bigint[], $4::text[]) AS p(run_id, event_id,
    worker) JOIN activity_tasks t ON t.run_id = p.run_id AND t.scheduled_event_id = p.event_id AND t.state = 'SCHEDULED'
    FOR UPDATE OF t SKIP LOCKED)
    UPDATE activity_tasks t SET state = 'STARTED', lease = $1, worker_id = ready.worker, started_time_us = now_us,
    attempt_deadline_us = CASE WHEN t.start_to_close_us > 0 THEN now_us + t.start_to_close_us END,
    lease_deadline_us = CASE WHEN t.heartbeat_us > 0 AND NOT EXISTS (SELECT 1 FROM activity_workers w WHERE
    w.worker_id = ready.worker AND w.lease_deadline_us > now_us) THEN now_us + t.heartbeat_us END
    FROM ready, (SELECT vora_now_us() AS now_us) AS clock
    WHERE t.run_id = ready.run_id AND t.scheduled_event_id = ready.scheduled_event_id RETURNING )" VORA_TASK_COLUMNS};
constexpr pg::Statement kUnclaim{"workflow_unclaim", R"(
    UPDATE activity_tasks SET state = 'SCHEDULED', worker_id = '', started_time_us = NULL, attempt_deadline_us = NULL,
    lease_deadline_us = NULL WHERE run_id = $1 AND scheduled_event_id = $2 AND state = 'STARTED')"};
// The lease in the condition is the fence: an attempt that was taken back, even by the same worker, changes nothing and is told so.
constexpr char kHeartbeat[] = R"(
    UPDATE activity_tasks SET lease_deadline_us = CASE WHEN heartbeat_us > 0 THEN vora_now_us() + heartbeat_us END,
    progress = $5, checkpoint = CASE WHEN $4 = '' THEN checkpoint ELSE $4 END
    WHERE run_id = $1 AND scheduled_event_id = $2 AND lease = $3 AND state = 'STARTED' RETURNING cancel_requested)";

constexpr char kHeartbeatOfSecond[] = R"(
    UPDATE activity_second_attempts s SET lease_deadline_us = CASE WHEN t.heartbeat_us > 0 THEN vora_now_us() + t.heartbeat_us END,
    progress = $4 FROM activity_tasks t WHERE s.run_id = $1 AND s.scheduled_event_id = $2 AND s.lease = $3 AND t.run_id = s.run_id
    AND t.scheduled_event_id = s.scheduled_event_id AND t.state = 'STARTED' RETURNING t.cancel_requested)";
// Of those that have had no second attempt, in runs that are not asked to stop or to wait. Of a run's open tasks no more are counted than
// tells whether they are its last (scheduler/speculation.cc).
constexpr pg::Statement kRunning{"workflow_running_alone", R"(
    SELECT t.run_id, t.scheduled_event_id, t.lease, t.worker_id, t.tenant, t.estimated_cost, now_us - t.started_time_us, t.progress, t.items,
      t.item_progress, (SELECT count(*) FROM (SELECT 1 FROM activity_tasks o WHERE o.run_id = t.run_id LIMIT 10) AS open)
    FROM activity_tasks t, (SELECT vora_now_us() AS now_us) AS clock WHERE t.queue = $1 AND t.state = 'STARTED' AND t.allows_second
    AND (cardinality($2::text[]) = 0 OR t.activity_type = ANY($2::text[])) AND NOT t.cancel_requested AND NOT t.release_requested
    AND NOT EXISTS (SELECT 1 FROM activity_second_attempts s WHERE s.run_id = t.run_id AND s.scheduled_event_id = t.scheduled_event_id)
    AND NOT EXISTS (SELECT 1 FROM workflow_queues WHERE queue = $1 AND paused)
    AND NOT EXISTS (SELECT 1 FROM workflow_tenants p WHERE p.tenant = t.tenant AND p.paused))"};

void ReadLoads(pqxx::transaction_base& tx, const std::string& queue, std::map<std::string, Load>& tenants, Load& of_queue) {
  for (const auto& row : pg::Exec(tx, kLoads, queue)) {
    const Load load{row[1].as<int>(), row[2].as<double>(), row[3].as<double>(), row[4].as<int>(), row[5].as<double>()};
    (row[0].is_null() ? of_queue : tenants[row[0].as<std::string>()]) = load;
  }
}

// A group ends with its last item.
double ProgressOf(double whole, const std::string& items, const std::string& item_progress) {
  if (items.empty() || item_progress.empty()) return whole;
  const auto progress = nlohmann::json::parse(item_progress);
  double least = 1;
  for (const auto& item : ItemsFromJson(items)) least = std::min(least, progress.value(item.name, 0.0));
  return least;
}

}  // namespace

Ready ReadReady(pqxx::transaction_base& tx, const std::string& queue, const std::vector<std::string>& types, int heads, int wanted) {
  Ready ready;
  bool restricted = false;
  for (const auto& row : pg::Exec(tx, kReady, queue, pg::ArrayOf(types), heads)) {
    ReadyTask task;
    task.key = {row[0].as<std::string>(), row[1].as<int64_t>()};
    task.tenant = row[2].as<std::string>();
    task.first_play = row[3].as<bool>();
    task.rank = row[4].as<int64_t>();
    task.place = row[5].as<int64_t>();
    task.cost = row[6].as<double>();
    task.activity_type = row[7].as<std::string>();
    ready.now_us = row[8].as<int64_t>();
    restricted = row[9].as<bool>();
    ready.tasks.push_back(std::move(task));
  }
  if (ready.tasks.empty()) return ready;
  const auto found = static_cast<int>(ready.tasks.size());
  ready.enough = !restricted && found <= wanted && found < heads;
  if (!ready.enough) ReadLoads(tx, queue, ready.tenants, ready.queue);
  return ready;
}

Running ReadRunning(pqxx::transaction_base& tx, const std::string& queue, const std::vector<std::string>& types) {
  Running running;
  for (const auto& row : pg::Exec(tx, kRunning, queue, pg::ArrayOf(types))) {
    RunningTask task;
    task.key = {row[0].as<std::string>(), row[1].as<int64_t>()};
    task.lease = row[2].as<int64_t>();
    task.worker_id = row[3].as<std::string>();
    task.tenant = row[4].as<std::string>();
    task.cost = row[5].as<double>();
    task.elapsed_us = row[6].as<int64_t>();
    task.progress = ProgressOf(row[7].as<double>(), row[8].as<std::string>(), row[9].as<std::string>());
    task.open_in_run = row[10].as<int>();
    running.tasks.push_back(std::move(task));
  }
  if (!running.tasks.empty()) ReadLoads(tx, queue, running.tenants, running.queue);
  return running;
}

std::vector<TaskRow> ClaimTasks(pqxx::transaction_base& tx, const std::vector<Pick>& picks) {
  pg::Array runs, events, workers;
  for (const auto& pick : picks) {
    runs.Add(pick.key.run_id);
    events.Add(pick.key.event_id);
    workers.Add(pick.worker_id);
  }
  std::vector<TaskRow> tasks;
  // The lease is drawn by lot for this claim: no claim that a failover has lost had the same.
  for (const auto& row : pg::Exec(tx, kClaim, NewLease(), runs.Text(), events.Text(), workers.Text())) tasks.push_back(ReadTask(row));
  return tasks;
}

void Unclaim(pqxx::transaction_base& tx, const TaskKey& key) { pg::Exec(tx, kUnclaim, key.run_id, key.event_id); }

std::optional<HeartbeatRow> Heartbeat(pqxx::transaction_base& tx, const TaskKey& key, int64_t lease, const std::string& checkpoint,
                                      double progress) {
  const auto rows = tx.exec_params(kHeartbeat, key.run_id, key.event_id, lease, checkpoint, progress);
  if (!rows.empty()) return HeartbeatRow{rows[0][0].as<bool>()};
  const auto second = tx.exec_params(kHeartbeatOfSecond, key.run_id, key.event_id, lease, progress);
  if (second.empty()) return std::nullopt;
  return HeartbeatRow{second[0][0].as<bool>()};
}

}  // namespace vora::workflow::repo
