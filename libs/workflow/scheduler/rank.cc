#include "libs/workflow/scheduler/rank.h"

#include <algorithm>

#include "libs/core/priority.h"

namespace vora::workflow::scheduler {
namespace {

constexpr double kMostCost = 24 * 3600.0;

double HeadStart(int priority) { return kPriorityStep * std::clamp(priority, -kMaxPriority, kMaxPriority); }

}  // namespace

int64_t FinishRank(int64_t run_start_us, double run_cost_seconds, int priority, int slots) {
  // The comparison is false for NaN too.
  const double cost = run_cost_seconds > 0 ? std::min(run_cost_seconds, kMostCost) : kUnknownCost;
  // A small fleet often grows: a film that came before that must not stay behind for long.
  const double due_after = cost * kDueAfterTimes / std::max(kDueAfterTimes, static_cast<double>(slots));
  return run_start_us + static_cast<int64_t>((due_after - HeadStart(priority)) * 1e6);
}

int64_t RankAfter(int priority, int new_priority) { return static_cast<int64_t>((HeadStart(priority) - HeadStart(new_priority)) * 1e6); }

}  // namespace vora::workflow::scheduler
