#pragma once

// SQL of the hot path between workers and tasks: claims and heartbeats. They touch task rows only; claims skip locked rows, a heartbeat
// waits for the transition that holds its own.

#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "libs/workflow/core/rows.h"

namespace vora::workflow::repo {

struct ClaimFilter {
  std::string queue;
  std::string worker_id;
  std::vector<std::string> activity_types;  // empty: any
  std::string run_id, affinity_key;         // both set: siblings only
};

// Claims up to `limit` tasks, best priority first, oldest first: STARTED, under a new lease.
std::vector<TaskRow> ClaimTasks(pqxx::transaction_base& tx, const ClaimFilter& filter, int limit);

// Back into its queue, as if it had not been claimed.
void Unclaim(pqxx::transaction_base& tx, const TaskKey& key);

// Extends the lease; nothing when `lease` is not current. An empty checkpoint keeps the old one.
struct HeartbeatRow {
  bool cancel_requested = false;
};
std::optional<HeartbeatRow> Heartbeat(pqxx::transaction_base& tx, const TaskKey& key, int64_t lease, const std::string& checkpoint,
                                      double progress);

struct QueueStats {
  std::string queue;
  double depth = 0;         // waiting, claimable or not yet
  double cost_seconds = 0;  // estimated, of waiting and running tasks
  double oldest_age_seconds = 0;
};
std::vector<QueueStats> ReadQueueStats(pqxx::transaction_base& tx);

}  // namespace vora::workflow::repo
