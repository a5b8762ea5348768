#include "libs/workflow/store/stats_repo_internal.h"

#include <nlohmann/json.hpp>

#include "libs/pg/statement.h"

namespace vora::workflow::repo {
namespace {

// The figures are a subquery of the row's new value, so they are counted only when the row is `mine`. The last event is found by the run's
// length, a look-up by primary key per open run; max(time_us) over events would read whole histories. A minute in microseconds is what
// counts as alive, here and in fleet_repo.cc; a day, after which the names of killed workers go.
constexpr pg::Statement kStats{"workflow_stats", R"(
    WITH mine AS (SELECT duty FROM workflow_duties WHERE duty = 'stats' AND next_us <= (SELECT vora_now_us()) FOR UPDATE SKIP LOCKED),
    silent AS (DELETE FROM activity_workers USING mine WHERE last_seen_us < (SELECT vora_now_us()) - 86400000000),
    counted AS (UPDATE workflow_duties d SET next_us = vora_now_us() + $1, result = (
      WITH clock AS (SELECT vora_now_us() AS now_us),
      runs AS (SELECT count(*) FILTER (WHERE stuck_reason = '') AS running, count(*) FILTER (WHERE stuck_reason <> '') AS parked,
        greatest(0, coalesce(max(now_us - start_time_us), 0)) / 1e6 AS oldest, greatest(0, coalesce(max(now_us - e.time_us), 0)) / 1e6 AS silence
        FROM clock, workflow_runs r LEFT JOIN workflow_events e ON e.run_id = r.run_id AND e.event_id = r.history_length
        WHERE r.status = 'RUNNING'),
      tasks AS (SELECT queue, count(*) FILTER (WHERE state <> 'STARTED' AND visible_at_us <= now_us) AS ready,
        count(*) FILTER (WHERE state <> 'STARTED' AND visible_at_us > now_us) AS delayed, count(*) FILTER (WHERE state = 'STARTED') AS running,
        coalesce(max(now_us - visible_at_us) FILTER (WHERE state <> 'STARTED' AND visible_at_us <= now_us), 0) / 1e6 AS oldest,
        coalesce(sum(estimated_cost) FILTER (WHERE state <> 'STARTED'), 0) AS cost,
        coalesce(sum(estimated_cost * (1 - progress)) FILTER (WHERE state = 'STARTED'), 0) AS running_cost
        FROM activity_tasks, clock GROUP BY queue),
      workers AS (SELECT queue, count(*) AS workers, sum(slots) AS slots, sum(running) AS busy FROM activity_workers, clock
        WHERE last_seen_us >= now_us - 60000000 GROUP BY queue)
      SELECT json_build_object('running', running, 'parked', parked, 'oldest', oldest, 'silence', silence, 'queues',
        (SELECT coalesce(json_agg(json_build_array(queue, coalesce(ready, 0), coalesce(delayed, 0), coalesce(tasks.running, 0),
        coalesce(tasks.oldest, 0), coalesce(cost, 0), coalesce(running_cost, 0), coalesce(workers, 0), coalesce(slots, 0),
        coalesce(busy, 0)) ORDER BY queue), '[]') FROM tasks FULL JOIN workers USING (queue)))::text FROM runs)
      FROM mine WHERE d.duty = mine.duty RETURNING d.result)
    SELECT coalesce((SELECT result FROM counted), (SELECT result FROM workflow_duties WHERE duty = 'stats')), EXISTS (SELECT 1 FROM counted))"};

}  // namespace

Stats ReadStats(pqxx::transaction_base& tx, std::chrono::microseconds pause) {
  Stats stats;
  const auto row = pg::Exec(tx, kStats, static_cast<int64_t>(pause.count()))[0];
  stats.counted = row[1].as<bool>();
  const auto text = row[0].as<std::string>();
  if (text.empty()) return stats;  // another replica counts for the first time
  const auto json = nlohmann::json::parse(text);
  stats.runs = {json.at("running"), json.at("parked"), json.at("oldest"), json.at("silence")};
  for (const auto& queue : json.at("queues")) {
    stats.queues.push_back(
        {queue.at(0), queue.at(1), queue.at(2), queue.at(3), queue.at(4), queue.at(5), queue.at(6), queue.at(7), queue.at(8), queue.at(9)});
  }
  return stats;
}

}  // namespace vora::workflow::repo
