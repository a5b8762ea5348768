#include "libs/workflow/scheduler/paces.h"

#include <vector>

#include "libs/workflow/scheduler/speculation.h"

namespace vora::workflow::scheduler {
namespace {

constexpr size_t kMostSamples = 100;
// Fewer say little of what is usual.
constexpr size_t kLeastSamples = 3;
// More than there are slots; those of attempts that failed, or ended elsewhere, go with all others.
constexpr size_t kMostParts = 10'000;

}  // namespace

void Paces::PartEnded(int64_t lease, double cost) {
  if (parts_.size() >= kMostParts) parts_.clear();
  parts_[lease] += cost;
}

void Paces::Ended(const std::string& worker_id, int64_t lease, double cost, double seconds) {
  if (const auto part = parts_.find(lease); part != parts_.end()) {
    cost += part->second;
    parts_.erase(part);
  }
  if (cost <= 0 || seconds <= 0) return;
  samples_.push_back({worker_id, seconds / cost});
  if (samples_.size() > kMostSamples) samples_.pop_front();
}

double Paces::Usual() const {
  if (samples_.size() < kLeastSamples) return 0;
  std::vector<double> values;
  for (const auto& sample : samples_) values.push_back(sample.pace);
  return Median(std::move(values));
}

double Paces::Of(const std::string& worker_id) const {
  std::vector<double> values;
  for (const auto& sample : samples_) {
    if (sample.worker_id == worker_id) values.push_back(sample.pace);
  }
  return Median(std::move(values));
}

}  // namespace vora::workflow::scheduler
