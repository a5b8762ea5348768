#include "libs/workflow/scheduler/speculation.h"

#include <algorithm>

namespace vora::workflow::scheduler {
namespace {

// A run ends with its last task: only there does a second attempt bring the end nearer.
constexpr int kLastOfRun = 4;
// The other attempt repeats all that is done: it has to end in half the time that is left, and a few seconds are not worth it.
constexpr double kSlowBy = 2;
constexpr double kLeastGainSeconds = 1;
// Less says little of what is to come.
constexpr double kTellingProgress = 0.05;

}  // namespace

std::optional<double> RemainingSeconds(const RunningTask& task, double usual_pace) {
  if (task.progress >= kTellingProgress) return task.elapsed_seconds * std::max(0.0, 1 - task.progress) / task.progress;
  const bool overdue = task.elapsed_seconds > kSlowBy * task.cost * usual_pace;
  const double by_pace = task.cost * task.worker_pace - task.elapsed_seconds;
  if (by_pace > 0) return by_pace;
  if (overdue) return task.elapsed_seconds;
  return std::nullopt;
}

bool IsWorthSecondAttempt(const RunningTask& task, const FleetSlack& slack) {
  if (task.has_second_attempt || task.unfinished_in_run > kLastOfRun) return false;
  if (slack.idle_slots <= 0 || slack.ready > 0 || slack.usual_pace <= 0) return false;
  const double anew = task.cost * slack.usual_pace;
  const auto remaining = RemainingSeconds(task, slack.usual_pace);
  return remaining && *remaining >= kSlowBy * anew && *remaining - anew >= kLeastGainSeconds;
}

std::optional<size_t> PickStraggler(const std::vector<RunningTask>& running, const FleetSlack& slack) {
  std::optional<size_t> best;
  double most = 0;
  for (size_t i = 0; i < running.size(); ++i) {
    if (!IsWorthSecondAttempt(running[i], slack)) continue;
    const double gain = *RemainingSeconds(running[i], slack.usual_pace) - running[i].cost * slack.usual_pace;
    if (best && gain <= most) continue;
    best = i;
    most = gain;
  }
  return best;
}

double Median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace vora::workflow::scheduler
