#pragma once

// The place of a run among others: one number, given to its tasks when they are scheduled, so that an index can keep them in order.

#include <cstdint>

namespace vora::workflow::scheduler {

// A run is due when the whole fleet could have done its work so many times. Less favours early runs, more favours short ones. In
// simulations, with 3, clips hardly notice films at a load of 0.7 (with 2 they wait three times as long), and a film among clips at a load
// of 1.2 takes 2.6 times as long as on half of the fleet (with 4, 3.2 times).
inline constexpr double kDueAfterTimes = 3;
// Stands for a cost that is not known, in encode-seconds: what tells it (a probe) is itself soon done.
inline constexpr double kUnknownCost = 60;
// A point of priority is worth a start this much earlier, in seconds.
inline constexpr double kPriorityStep = 3600;

// When a run is due, in the microseconds of its start: the least is worked on first, and runs with equal ranks one by one, so that what has
// begun is finished before the next of its kind begins. `run_cost_seconds` is that of the whole run (encode-seconds; 0: unknown), of which
// at most a day counts; `priority` is the run's, from -1000 to 1000, higher first; `slots` is how many tasks the fleet runs at a time (less
// than 3, or unknown: 3). All tasks of a run whose cost is known should have one rank, also if the fleet changes meanwhile. Nothing
// starves: no run that starts later than start + cost, and an hour for each point of its higher priority, comes before this one.
int64_t FinishRank(int64_t run_start_us, double run_cost_seconds, int priority, int slots);
// What is to be added to a rank when the priority of its run becomes another one.
int64_t RankAfter(int priority, int new_priority);

}  // namespace vora::workflow::scheduler
