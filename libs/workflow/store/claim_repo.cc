#include "libs/workflow/store/claim_repo_internal.h"
#include "libs/workflow/store/task_row_internal.h"

namespace vora::workflow::repo {
namespace {

// What follows a CTE `ready`: its tasks are started, and their rows returned. $2 is the worker.
#define VORA_START_READY                                                                                           \
  "UPDATE activity_tasks t SET state = 'STARTED', lease = t.lease + 1, worker_id = $2, started_time_us = now_us, " \
  "attempt_deadline_us = CASE WHEN t.start_to_close_us > 0 THEN now_us + t.start_to_close_us END, "                \
  "lease_deadline_us = CASE WHEN t.heartbeat_us > 0 THEN now_us + t.heartbeat_us END "                             \
  "FROM ready, (SELECT vora_now_us() AS now_us) AS clock "                                                         \
  "WHERE t.run_id = ready.run_id AND t.scheduled_event_id = ready.scheduled_event_id RETURNING " VORA_TASK_COLUMNS ", t.priority, t.seq"

// SKIP LOCKED lets pollers pass each other, and a CTE with FOR UPDATE is evaluated once: as a sub-select in the UPDATE's condition it may
// run again, and then more than LIMIT rows are taken. `(SELECT vora_now_us())` reads the clock once, since the function is volatile and
// would be called for every row. The order is that of the index activity_tasks_ready.
constexpr char kClaim[] = R"(
    WITH ready AS (SELECT run_id, scheduled_event_id FROM activity_tasks WHERE queue = $1 AND state = 'SCHEDULED' AND NOT frozen
    AND visible_at_us <= (SELECT vora_now_us()) AND ($3 = '[]' OR activity_type IN (SELECT json_array_elements_text($3::json)))
    ORDER BY priority DESC, seq LIMIT $4 FOR UPDATE SKIP LOCKED) )" VORA_START_READY;
constexpr char kClaimSiblings[] = R"(
    WITH ready AS (SELECT run_id, scheduled_event_id FROM activity_tasks WHERE queue = $1 AND state = 'SCHEDULED' AND NOT frozen
    AND visible_at_us <= (SELECT vora_now_us()) AND run_id = $5 AND affinity_key = $6 AND activity_type = $3
    ORDER BY scheduled_event_id LIMIT $4 FOR UPDATE SKIP LOCKED) )" VORA_START_READY;
// The lease in the condition is the fence: an attempt that was taken back, even by the same worker, changes nothing and is told so.
constexpr char kHeartbeat[] = R"(
    UPDATE activity_tasks SET lease_deadline_us = CASE WHEN heartbeat_us > 0 THEN vora_now_us() + heartbeat_us END,
    progress = $5, checkpoint = CASE WHEN $4 = '' THEN checkpoint ELSE $4 END
    WHERE run_id = $1 AND scheduled_event_id = $2 AND lease = $3 AND state = 'STARTED' RETURNING cancel_requested)";
constexpr char kQueueStats[] = R"(
    SELECT queue, count(*) FILTER (WHERE state = 'SCHEDULED'), sum(estimated_cost * (1 - progress)),
    coalesce(greatest(0, vora_now_us() - min(visible_at_us) FILTER (WHERE state = 'SCHEDULED')), 0) / 1e6
    FROM activity_tasks GROUP BY queue)";

}  // namespace

std::vector<TaskRow> ClaimTasks(pqxx::transaction_base& tx, const ClaimFilter& filter, int limit) {
  pqxx::result rows;
  if (filter.affinity_key.empty()) {
    rows = tx.exec_params(kClaim, filter.queue, filter.worker_id, nlohmann::json(filter.activity_types).dump(), limit);
  } else {
    rows = tx.exec_params(kClaimSiblings, filter.queue, filter.worker_id, filter.activity_types.at(0), limit, filter.run_id,
                          filter.affinity_key);
  }
  struct Ranked {
    int priority;
    int64_t seq;
    TaskRow task;
  };
  std::vector<Ranked> ranked;  // UPDATE gives no order
  for (const auto& row : rows) {
    const auto n = static_cast<int>(row.size());
    ranked.push_back({row[n - 2].as<int>(), row[n - 1].as<int64_t>(), ReadTask(row)});
  }
  std::sort(ranked.begin(), ranked.end(),
            [](const Ranked& a, const Ranked& b) { return a.priority != b.priority ? a.priority > b.priority : a.seq < b.seq; });
  std::vector<TaskRow> tasks;
  for (auto& item : ranked) tasks.push_back(std::move(item.task));
  return tasks;
}

std::optional<HeartbeatRow> Heartbeat(pqxx::transaction_base& tx, const TaskKey& key, int64_t lease, const std::string& checkpoint,
                                      double progress) {
  const auto rows = tx.exec_params(kHeartbeat, key.run_id, key.event_id, lease, checkpoint, progress);
  if (rows.empty()) return std::nullopt;
  return HeartbeatRow{rows[0][0].as<bool>()};
}

std::vector<QueueStats> ReadQueueStats(pqxx::transaction_base& tx) {
  std::vector<QueueStats> stats;
  for (const auto& row : tx.exec(kQueueStats)) {
    stats.push_back({row[0].as<std::string>(), row[1].as<double>(), row[2].as<double>(), row[3].as<double>()});
  }
  return stats;
}

}  // namespace vora::workflow::repo
