#include "bench/load/tally.h"

#include <algorithm>
#include <cstdio>

namespace vora::load {

void Times::Add(SteadyTime asked) { all_.push_back(std::chrono::duration<float, std::milli>(Now() - asked).count()); }

double Times::At(double share) {
  if (all_.empty()) return 0;
  std::sort(all_.begin(), all_.end());
  return static_cast<double>(all_[std::min(all_.size() - 1, static_cast<size_t>(share * static_cast<double>(all_.size())))]);
}

void Tally::Error(const std::string& what, const Answer& answer) {
  ++errors;
  if (said_[what]++ < 3) std::fprintf(stderr, "%s: %d %s\n", what.c_str(), answer.status, answer.body.substr(0, 300).c_str());
}

}  // namespace vora::load
