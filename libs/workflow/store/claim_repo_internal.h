#pragma once

// SQL of the hot path between workers and tasks: claims and heartbeats. They touch task rows only; claims skip locked rows, a heartbeat
// waits for the transition that holds its own.

#include <map>
#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "libs/workflow/core/rows.h"

namespace vora::workflow::repo {

// A task that waits, as much of it as decides whose turn it is.
struct ReadyTask {
  TaskKey key;
  std::string tenant;
  bool first_play = false;
  int64_t rank = 0, place = 0;
  double cost = 0;
  std::string activity_type;
};
struct Load {
  int running = 0;
  double running_cost = 0;
  double weight = 1;
  int max_running = 0;               // 0: no limit
  double max_starts_per_second = 0;  // the same
};
struct Ready {
  std::vector<ReadyTask> tasks;
  // No more than is wanted, and there are no limits: whoever wants them may have them all. Of what runs nothing is said then.
  bool enough = false;
  std::map<std::string, Load> tenants;
  Load queue;
  int64_t now_us = 0;
};
// Of each tenant and stage the first `heads` tasks by (rank, run, place), of these types (empty: any), with what runs. None of tenants
// that are paused, and none at all while the queue is. `heads` is at least `wanted`, or at its most.
Ready ReadReady(pqxx::transaction_base& tx, const std::string& queue, const std::vector<std::string>& types, int heads, int wanted);

// A task that a worker works on and another one might begin as well.
struct RunningTask {
  TaskKey key;
  int64_t lease = 0;
  std::string worker_id, tenant;
  double cost = 0;
  int64_t elapsed_us = 0;
  double progress = 0;  // of a group that of the item that is least far
  int open_in_run = 0;  // it included; those beyond ten are not counted
};
struct Running {
  std::vector<RunningTask> tasks;
  std::map<std::string, Load> tenants;
  Load queue;
};
// Tasks of these types (empty: any) that allow a second attempt, and have had none. None of tenants that are paused, and none at all while
// the queue is.
Running ReadRunning(pqxx::transaction_base& tx, const std::string& queue, const std::vector<std::string>& types);

struct Pick {
  TaskKey key;
  std::string worker_id;
};
// STARTED under a new lease; those that another replica has taken meanwhile are left out. In no order.
std::vector<TaskRow> ClaimTasks(pqxx::transaction_base& tx, const std::vector<Pick>& picks);

// Back into its queue, as if it had not been claimed.
void Unclaim(pqxx::transaction_base& tx, const TaskKey& key);

// Extends the lease; nothing when `lease` is not current. An empty checkpoint keeps the old one.
struct HeartbeatRow {
  bool cancel_requested = false;
};
std::optional<HeartbeatRow> Heartbeat(pqxx::transaction_base& tx, const TaskKey& key, int64_t lease, const std::string& checkpoint,
                                      double progress);

}  // namespace vora::workflow::repo
