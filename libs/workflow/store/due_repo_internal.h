#pragma once

// SQL of what is due: timers, deadlines, pauses between attempts, parked runs. Replicas look side by side.

#include <optional>
#include <pqxx/pqxx>
#include <set>
#include <string>
#include <vector>

#include "libs/workflow/core/rows.h"

namespace vora::workflow::repo {

// Microseconds from now until something is due, not negative; nothing when nothing is to come.
std::optional<int64_t> NextDueIn(pqxx::transaction_base& tx);
// Take them up: no replica is given them again for a few seconds. So two share a backlog, and what cannot be applied leaves the head.
std::vector<TaskKey> TakeDueTimers(pqxx::transaction_base& tx, int limit);
std::vector<TaskKey> TakeOverdueTasks(pqxx::transaction_base& tx, bool leases_too, int limit);
// Whose second attempt is overdue.
std::vector<TaskKey> TasksWithOverdueSecond(pqxx::transaction_base& tx, bool leases_too);
// Makes tasks claimable whose pause between attempts is over; their queues, and how many there were.
struct Released {
  std::set<std::string> queues;
  int tasks = 0;
};
Released ReleaseDelayedTasks(pqxx::transaction_base& tx, int limit);
std::vector<std::string> OverdueRuns(pqxx::transaction_base& tx, int limit);
// Parked runs that this build has not tried since they were parked, and runs that an older build took out of their parking without what
// waits in their inbox. By seq, above `after_seq`.
struct ParkedRun {
  std::string run_id;
  int64_t seq = 0;
};
std::vector<ParkedRun> ParkedRuns(pqxx::transaction_base& tx, const std::string& build_id, int64_t after_seq, int limit);

}  // namespace vora::workflow::repo
