#pragma once

// SQL of what operators watch: open runs and workers, in numbers.

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
RunStats ReadRunStats(pqxx::transaction_base& tx);

struct WorkerStats {
  std::string queue;
  double workers = 0, slots = 0, running = 0;
};
// Of workers heard of within a minute. Also forgets those that have been silent for a day.
std::vector<WorkerStats> ReadWorkerStats(pqxx::transaction_base& tx);

}  // namespace vora::workflow::repo
