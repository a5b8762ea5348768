#include "libs/workflow/store/fleet_repo_internal.h"

namespace vora::workflow::repo {
namespace {

// A day in microseconds: the names of killed workers must not pile up. One that leaves in order is deleted at once.
constexpr char kSaveWorker[] = R"(
    WITH silent AS (DELETE FROM activity_workers WHERE last_seen_us < vora_now_us() - 86400000000)
    INSERT INTO activity_workers VALUES ($1, $2, $3, $4, $5, $6, vora_now_us()) ON CONFLICT (worker_id) DO UPDATE SET
    queue = excluded.queue, slots = excluded.slots, running = excluded.running, encode_speed = excluded.encode_speed,
    version = excluded.version, last_seen_us = excluded.last_seen_us)";
constexpr char kDeleteWorker[] = "DELETE FROM activity_workers WHERE worker_id = $1";
constexpr char kHeld[] = "SELECT run_id, scheduled_event_id, lease FROM activity_tasks WHERE worker_id = $1 AND state = 'STARTED'";
// A minute in microseconds is what counts as alive, here and in kQueues and stats_repo.cc. The activities are one aggregate per worker, so
// that this is one query however many workers there are.
constexpr char kWorkers[] = R"(
    SELECT w.worker_id, w.queue, w.slots, w.running, w.encode_speed, w.version, w.last_seen_us,
    coalesce((SELECT json_agg(t.workflow_id || ': ' || t.activity_id ORDER BY t.started_time_us) FROM activity_tasks t
    WHERE t.queue = w.queue AND t.worker_id = w.worker_id AND t.state = 'STARTED'), '[]')
    FROM activity_workers w WHERE w.last_seen_us >= vora_now_us() - 60000000 ORDER BY w.queue, w.worker_id)";
// The second half names queues that are empty but worked off; without it they would vanish from view when their last task ends.
constexpr char kQueues[] = R"(
    WITH clock AS (SELECT vora_now_us() AS now_us), tasks AS (SELECT t.queue,
    count(*) FILTER (WHERE state <> 'STARTED' AND visible_at_us <= now_us) AS ready,
    count(*) FILTER (WHERE state <> 'STARTED' AND visible_at_us > now_us) AS delayed,
    count(*) FILTER (WHERE state = 'STARTED') AS running,
    coalesce(max(now_us - visible_at_us) FILTER (WHERE state <> 'STARTED' AND visible_at_us <= now_us), 0) / 1e6 AS oldest,
    coalesce(sum(estimated_cost) FILTER (WHERE state <> 'STARTED'), 0) AS cost,
    coalesce(sum(estimated_cost * (1 - progress)) FILTER (WHERE state = 'STARTED'), 0) AS running_cost
    FROM activity_tasks t, clock GROUP BY t.queue)
    SELECT queue, ready, delayed, running, oldest, cost, running_cost FROM tasks UNION ALL
    SELECT DISTINCT queue, 0, 0, 0, 0.0, 0.0, 0.0 FROM activity_workers, clock WHERE last_seen_us >= now_us - 60000000
    AND queue NOT IN (SELECT queue FROM tasks) ORDER BY 1)";

}  // namespace

void SaveWorker(pqxx::transaction_base& tx, const WorkerRow& worker) {
  tx.exec_params(kSaveWorker, worker.worker_id, worker.queue, worker.slots, worker.running, worker.encode_speed, worker.version);
}

void DeleteWorker(pqxx::transaction_base& tx, const std::string& worker_id) { tx.exec_params(kDeleteWorker, worker_id); }

std::vector<HeldTask> TasksHeldBy(pqxx::transaction_base& tx, const std::string& worker_id) {
  std::vector<HeldTask> held;
  for (const auto& row : tx.exec_params(kHeld, worker_id)) {
    held.push_back({row[0].as<std::string>(), row[1].as<int64_t>(), row[2].as<int64_t>()});
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

std::vector<QueueRow> ReadQueues(pqxx::transaction_base& tx) {
  std::vector<QueueRow> queues;
  for (const auto& row : tx.exec(kQueues)) {
    queues.push_back({row[0].as<std::string>(), row[1].as<int64_t>(), row[2].as<int64_t>(), row[3].as<int64_t>(), row[4].as<double>(),
                      row[5].as<double>(), row[6].as<double>()});
  }
  return queues;
}

}  // namespace vora::workflow::repo
