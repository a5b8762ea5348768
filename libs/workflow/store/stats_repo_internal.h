#pragma once

// SQL of what operators watch: open runs, queues and workers, in numbers. They are counted by one replica at a time and kept for all, so
// that reading them costs the same however many runs are open.

#include <chrono>
#include <pqxx/pqxx>
#include <string>
#include <vector>

namespace vora::workflow::repo {

struct RunStats {
  double running = 0, parked = 0;
  double oldest_age_seconds = 0;
  double longest_silence_seconds = 0;  // since the last event of a run that is not paused
  double paused = 0;                   // and not parked
};

struct QueueStats {
  std::string name;
  int64_t ready = 0, delayed = 0, running = 0;  // tasks
  double oldest_ready_seconds = 0;
  double estimated_cost = 0, running_cost = 0;            // seconds of the tasks that wait; what is left of those that run
  int64_t held = 0;                                       // tasks of paused runs and tenants, counted nowhere else
  int64_t workers = 0, worker_slots = 0, busy_slots = 0;  // of workers heard of within a minute
};

template <typename Figures>
struct Counted {
  Figures figures;
  bool now = false;  // by this call
};
// Count anew when that is due and nobody else does; it is due again after `pause`.
Counted<RunStats> ReadRunStats(pqxx::transaction_base& tx, std::chrono::microseconds pause);
// By name: queues with tasks, those that somebody works off, and those for which something is set.
Counted<std::vector<QueueStats>> ReadQueueStats(pqxx::transaction_base& tx, std::chrono::microseconds pause);
// Forgets workers that have been silent for a day.
void ForgetWorkers(pqxx::transaction_base& tx);

}  // namespace vora::workflow::repo
