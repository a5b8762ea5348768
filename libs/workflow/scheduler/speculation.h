#pragma once

// Whether a task that runs on a slow worker is worth a second attempt on another one, of which the first to end counts.

#include <cstddef>
#include <optional>
#include <vector>

namespace vora::workflow::scheduler {

// Pace is seconds for an encode-second: 1 on a worker of usual speed, 4 on one of a quarter of it; 0: unknown.
struct RunningTask {
  double cost = 0;  // encode-seconds
  double elapsed_seconds = 0;
  double progress = 0;              // 0 to 1; 0: unknown
  double worker_pace = 0;           // of what its worker finished lately
  int unfinished_in_run = 0;        // tasks of its run that are not done, itself and those not yet scheduled included
  bool has_second_attempt = false;  // now or before: there is no third
};

struct FleetSlack {
  int idle_slots = 0;
  int ready = 0;          // tasks that an idle slot could take instead
  double usual_pace = 0;  // Median of the tasks that were finished lately
};

// How long the task will still run, in seconds, as far as that can be known: by its progress; else by its worker's pace; else as long again
// as it has run, once that is twice what is usual. Nothing: no reason to think that it is slow.
std::optional<double> RemainingSeconds(const RunningTask& task, double usual_pace);

// True for one of the last tasks of a run, if a slot has nothing else to do and would end it well before its worker.
bool IsWorthSecondAttempt(const RunningTask& task, const FleetSlack& slack);

// The index of the task that a second attempt helps most.
std::optional<size_t> PickStraggler(const std::vector<RunningTask>& running, const FleetSlack& slack);

// 0 for none.
double Median(std::vector<double> values);

}  // namespace vora::workflow::scheduler
