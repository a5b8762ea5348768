#include "libs/workflow/store/stats_repo_internal.h"

namespace vora::workflow::repo {
namespace {

// The last event is found by the run's length, a look-up by primary key per open run; max(time_us) over events would read whole histories.
constexpr char kRunStats[] = R"(
    WITH clock AS (SELECT vora_now_us() AS now_us)
    SELECT count(*) FILTER (WHERE stuck_reason = '' AND paused_at_us IS NULL), count(*) FILTER (WHERE stuck_reason <> ''),
    greatest(0, coalesce(max(now_us - start_time_us), 0)) / 1e6,
    greatest(0, coalesce(max(now_us - e.time_us) FILTER (WHERE paused_at_us IS NULL), 0)) / 1e6,
    count(*) FILTER (WHERE stuck_reason = '' AND paused_at_us IS NOT NULL)
    FROM clock, workflow_runs r LEFT JOIN workflow_events e ON e.run_id = r.run_id AND e.event_id = r.history_length
    WHERE r.status = 'RUNNING')";
// A day in microseconds: the names of killed workers must not pile up.
constexpr char kWorkerStats[] =
    "WITH silent AS (DELETE FROM activity_workers WHERE last_seen_us < vora_now_us() - 86400000000) "
    "SELECT queue, count(*), sum(slots), sum(running) FROM activity_workers WHERE last_seen_us >= vora_now_us() - 60000000 GROUP BY queue";

}  // namespace

RunStats ReadRunStats(pqxx::transaction_base& tx) {
  const auto row = tx.exec1(kRunStats);
  return {row[0].as<double>(), row[1].as<double>(), row[2].as<double>(), row[3].as<double>(), row[4].as<double>()};
}

std::vector<WorkerStats> ReadWorkerStats(pqxx::transaction_base& tx) {
  std::vector<WorkerStats> stats;
  for (const auto& row : tx.exec(kWorkerStats)) {
    stats.push_back({row[0].as<std::string>(), row[1].as<double>(), row[2].as<double>(), row[3].as<double>()});
  }
  return stats;
}

}  // namespace vora::workflow::repo
