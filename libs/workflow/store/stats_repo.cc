#include "libs/workflow/store/stats_repo_internal.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "libs/pg/statement.h"

namespace vora::workflow::repo {
namespace {

// The figures are a subquery of the row's new value, so they are counted only when the row is `mine`: when that is due, and no other
// replica has it locked. Gives the figures, and whether they were counted now.
#define VORA_COUNTED(duty, figures)                                                                       \
  "WITH mine AS (SELECT duty FROM workflow_duties WHERE duty = '" duty                                    \
  "' AND next_us <= (SELECT vora_now_us()) FOR UPDATE SKIP LOCKED), "                                     \
  "counted AS (UPDATE workflow_duties d SET next_us = vora_now_us() + $1, result = (" figures             \
  ") FROM mine WHERE d.duty = mine.duty RETURNING d.result) "                                             \
  "SELECT coalesce((SELECT result FROM counted), (SELECT result FROM workflow_duties WHERE duty = '" duty \
  "')), EXISTS (SELECT 1 FROM counted)"

// A history is looked into only for runs that have not changed since the column was added.
constexpr pg::Statement kRunStats{"workflow_run_stats", VORA_COUNTED("runs", R"(
    WITH clock AS (SELECT vora_now_us() AS now_us)
    SELECT json_build_array(count(*) FILTER (WHERE stuck_reason = '' AND paused_at_us IS NULL), count(*) FILTER (WHERE stuck_reason <> ''),
    greatest(0, coalesce(max(now_us - start_time_us), 0)) / 1e6, greatest(0, coalesce(max(now_us - coalesce(last_event_us,
    (SELECT e.time_us FROM workflow_events e WHERE e.run_id = r.run_id AND e.event_id = r.history_length)))
    FILTER (WHERE paused_at_us IS NULL), 0)) / 1e6, count(*) FILTER (WHERE stuck_reason = '' AND paused_at_us IS NOT NULL))::text
    FROM clock, workflow_runs r WHERE r.status = 'RUNNING')")};
// A minute in microseconds is what counts as alive, here and in fleet_repo.cc.
constexpr pg::Statement kQueueStats{"workflow_queue_stats", VORA_COUNTED("queues", R"(
    WITH clock AS (SELECT vora_now_us() AS now_us),
    tasks AS (SELECT queue, count(*) FILTER (WHERE waits AND visible_at_us <= now_us) AS ready,
      count(*) FILTER (WHERE waits AND visible_at_us > now_us) AS delayed, count(*) FILTER (WHERE state = 'STARTED') AS running,
      coalesce(max(now_us - visible_at_us) FILTER (WHERE waits AND visible_at_us <= now_us), 0) / 1e6 AS oldest,
      coalesce(sum(estimated_cost) FILTER (WHERE waits), 0) AS cost,
      coalesce(sum(estimated_cost * (1 - progress)) FILTER (WHERE state = 'STARTED'), 0) AS running_cost,
      count(*) FILTER (WHERE NOT waits AND state <> 'STARTED') AS held
      FROM (SELECT *, state IN ('SCHEDULED', 'DELAYED') AND tenant NOT IN (SELECT tenant FROM workflow_tenants WHERE paused) AS waits
      FROM activity_tasks) AS t, clock GROUP BY queue),
    workers AS (SELECT queue, count(*) AS workers, sum(slots) AS slots, sum(running) AS busy FROM activity_workers, clock
      WHERE last_seen_us >= now_us - 60000000 GROUP BY queue),
    names AS (SELECT queue FROM tasks UNION SELECT queue FROM workers UNION SELECT queue FROM workflow_queues)
    SELECT coalesce(json_agg(json_build_array(queue, coalesce(ready, 0), coalesce(delayed, 0), coalesce(running, 0), coalesce(oldest, 0),
    coalesce(cost, 0), coalesce(running_cost, 0), coalesce(held, 0), coalesce(workers, 0), coalesce(slots, 0), coalesce(busy, 0))
    ORDER BY queue), '[]')::text FROM names LEFT JOIN tasks USING (queue) LEFT JOIN workers USING (queue))")};
// A day in microseconds: the names of killed workers must not pile up.
constexpr pg::Statement kForgetWorkers{"workflow_forget_workers",
                                       "DELETE FROM activity_workers WHERE last_seen_us < vora_now_us() - 86400000000"};

// Empty while another replica counts for the first time.
std::pair<nlohmann::json, bool> Read(pqxx::transaction_base& tx, const pg::Statement& statement, std::chrono::microseconds pause) {
  const auto row = pg::Exec(tx, statement, static_cast<int64_t>(pause.count()))[0];
  const auto text = row[0].as<std::string>();
  return {text.empty() ? nlohmann::json::array() : nlohmann::json::parse(text), row[1].as<bool>()};
}

}  // namespace

Counted<RunStats> ReadRunStats(pqxx::transaction_base& tx, std::chrono::microseconds pause) {
  const auto [figures, counted] = Read(tx, kRunStats, pause);
  if (figures.empty()) return {{}, counted};
  return {{figures.at(0), figures.at(1), figures.at(2), figures.at(3), figures.at(4)}, counted};
}

Counted<std::vector<QueueStats>> ReadQueueStats(pqxx::transaction_base& tx, std::chrono::microseconds pause) {
  const auto [figures, counted] = Read(tx, kQueueStats, pause);
  std::vector<QueueStats> queues;
  for (const auto& queue : figures) {
    queues.push_back({queue.at(0), queue.at(1), queue.at(2), queue.at(3), queue.at(4), queue.at(5), queue.at(6), queue.at(7), queue.at(8),
                      queue.at(9), queue.at(10)});
  }
  return {std::move(queues), counted};
}

void ForgetWorkers(pqxx::transaction_base& tx) { pg::Exec(tx, kForgetWorkers); }

}  // namespace vora::workflow::repo
