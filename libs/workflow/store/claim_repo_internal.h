#pragma once

// SQL of the hot path between workers and tasks: claims and heartbeats. They touch task rows only; claims skip locked rows, a heartbeat
// waits for the transition that holds its own.

#include "libs/workflow/store/engine_repo_internal.h"

namespace vora::workflow::repo {

struct ClaimFilter {
  std::string queue;
  std::string worker_id;
  std::vector<std::string> activity_types;  // empty: any
  std::string run_id, affinity_key;         // both set: siblings only
};

// Claims up to `limit` tasks, best priority first, oldest first: STARTED, with the next fencing number and a new lease.
std::vector<TaskRow> ClaimTasks(pqxx::transaction_base& tx, const ClaimFilter& filter, int limit);

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
