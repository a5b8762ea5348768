#include <algorithm>

#include "libs/workflow/scheduler/testing/simulated_fleet.h"

namespace vora::workflow::scheduler {

void SimulatedFleet::CheckStart(const std::string& tenant) {
  const TenantLoad& load = view_.tenants[tenant];
  if (load.limits.max_running > 0 && load.running >= load.limits.max_running) result_.broken = "more of " + tenant + " than may run";
  if (options_.queue.max_running > 0 && view_.queue.running >= options_.queue.max_running) result_.broken = "more than may run";
  CheckRate(tenant, load.limits);
  CheckRate("", options_.queue);
}

void SimulatedFleet::CheckRate(const std::string& who, const Limits& limits) {
  const double rate = limits.max_starts_per_second;
  if (rate <= 0) return;
  const double burst = std::max(1.0, rate);
  Bucket& bucket = buckets_.try_emplace(who, Bucket{burst, now_}).first->second;
  bucket.tokens = std::min(burst, bucket.tokens + (now_ - bucket.at) * rate) - 1;
  bucket.at = now_;
  if (bucket.tokens < -0.001) result_.broken = "starts of '" + who + "' come too fast";
}

void SimulatedFleet::CheckConserving() {
  const Limits& queue = options_.queue;
  if (options_.order != Order::kPicker || queue.max_starts_per_second > 0) return;
  if (queue.max_running > 0 && view_.queue.running >= queue.max_running) return;
  for (const auto& [tenant, ready] : ready_) {
    if (ready.stages[0].empty() && ready.stages[1].empty()) continue;
    const TenantLoad& load = view_.tenants[tenant];
    if (load.limits.max_starts_per_second > 0) continue;
    if (load.limits.max_running > 0 && load.running >= load.limits.max_running) continue;
    result_.broken = "a worker is idle while " + tenant + " has work";
  }
}

}  // namespace vora::workflow::scheduler
