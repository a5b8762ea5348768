#include "libs/workflow/store/claim_repo_internal.h"

#include <algorithm>

#include "libs/pg/statement.h"
#include "libs/workflow/core/task_token.h"
#include "libs/workflow/store/task_row_internal.h"

namespace vora::workflow::repo {
namespace {

// What follows a CTE `ready`: its tasks are started, and their rows returned. $2 is the worker: while it has a lease, that stands for those
// of its tasks.
#define VORA_START_READY                                                                                     \
  "UPDATE activity_tasks t SET state = 'STARTED', lease = $5, worker_id = $2, started_time_us = now_us, "    \
  "attempt_deadline_us = CASE WHEN t.start_to_close_us > 0 THEN now_us + t.start_to_close_us END, "          \
  "lease_deadline_us = CASE WHEN t.heartbeat_us > 0 AND NOT EXISTS (SELECT 1 FROM activity_workers w WHERE " \
  "w.worker_id = $2 AND w.lease_deadline_us > now_us) THEN now_us + t.heartbeat_us END "                     \
  "FROM ready, (SELECT vora_now_us() AS now_us) AS clock "                                                   \
  "WHERE t.run_id = ready.run_id AND t.scheduled_event_id = ready.scheduled_event_id RETURNING " VORA_TASK_COLUMNS ", t.seq"

// SKIP LOCKED lets pollers pass each other, and a CTE with FOR UPDATE is evaluated once: as a sub-select in the UPDATE's condition it may
// run again, and then more than LIMIT rows are taken. `(SELECT vora_now_us())` reads the clock once, since the function is volatile and
// would be called for every row. The order is that of the index activity_tasks_ready.
constexpr pg::Statement kClaim{"workflow_claim", R"(
    WITH ready AS (SELECT run_id, scheduled_event_id FROM activity_tasks WHERE queue = $1 AND state = 'SCHEDULED' AND NOT frozen
    AND visible_at_us <= (SELECT vora_now_us()) AND ($3 = '[]' OR activity_type IN (SELECT json_array_elements_text($3::json)))
    ORDER BY priority DESC, seq LIMIT $4 FOR UPDATE SKIP LOCKED) )" VORA_START_READY};
constexpr pg::Statement kClaimSiblings{"workflow_claim_siblings", R"(
    WITH ready AS (SELECT run_id, scheduled_event_id FROM activity_tasks WHERE queue = $1 AND state = 'SCHEDULED' AND NOT frozen
    AND visible_at_us <= (SELECT vora_now_us()) AND run_id = $6 AND affinity_key = $7 AND activity_type = $3
    ORDER BY scheduled_event_id LIMIT $4 FOR UPDATE SKIP LOCKED) )" VORA_START_READY};
constexpr pg::Statement kUnclaim{"workflow_unclaim", R"(
    UPDATE activity_tasks SET state = 'SCHEDULED', worker_id = '', started_time_us = NULL, attempt_deadline_us = NULL,
    lease_deadline_us = NULL WHERE run_id = $1 AND scheduled_event_id = $2 AND state = 'STARTED')"};
// The lease in the condition is the fence: an attempt that was taken back, even by the same worker, changes nothing and is told so.
constexpr char kHeartbeat[] = R"(
    UPDATE activity_tasks SET lease_deadline_us = CASE WHEN heartbeat_us > 0 THEN vora_now_us() + heartbeat_us END,
    progress = $5, checkpoint = CASE WHEN $4 = '' THEN checkpoint ELSE $4 END
    WHERE run_id = $1 AND scheduled_event_id = $2 AND lease = $3 AND state = 'STARTED' RETURNING cancel_requested)";
constexpr char kQueueStats[] = R"(
    SELECT queue, count(*) FILTER (WHERE state <> 'STARTED'), sum(estimated_cost * (1 - progress)),
    coalesce(greatest(0, vora_now_us() - min(visible_at_us) FILTER (WHERE state <> 'STARTED')), 0) / 1e6
    FROM activity_tasks GROUP BY queue)";

}  // namespace

std::vector<TaskRow> ClaimTasks(pqxx::transaction_base& tx, const ClaimFilter& filter, int limit) {
  // Drawn by lot for this claim: no claim that a failover has lost had the same.
  const int64_t lease = NewLease();
  pqxx::result rows;
  if (filter.affinity_key.empty()) {
    rows = pg::Exec(tx, kClaim, filter.queue, filter.worker_id, nlohmann::json(filter.activity_types).dump(), limit, lease);
  } else {
    rows = pg::Exec(tx, kClaimSiblings, filter.queue, filter.worker_id, filter.activity_types.at(0), limit, lease, filter.run_id,
                    filter.affinity_key);
  }
  std::vector<std::pair<int64_t, TaskRow>> ranked;  // UPDATE gives no order
  for (const auto& row : rows) ranked.emplace_back(row[static_cast<int>(row.size()) - 1].as<int64_t>(), ReadTask(row));
  std::sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) {
    return a.second.priority != b.second.priority ? a.second.priority > b.second.priority : a.first < b.first;
  });
  std::vector<TaskRow> tasks;
  for (auto& [seq, task] : ranked) tasks.push_back(std::move(task));
  return tasks;
}

void Unclaim(pqxx::transaction_base& tx, const TaskKey& key) { pg::Exec(tx, kUnclaim, key.run_id, key.event_id); }

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
