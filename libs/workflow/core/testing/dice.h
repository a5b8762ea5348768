#pragma once

// Random numbers that are the same on every platform, as those of <random>'s distributions are not.

#include <cstdint>
#include <random>

namespace vora::workflow::simulation {

class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  int64_t Below(int64_t n) { return static_cast<int64_t>(engine_() % static_cast<uint64_t>(n)); }
  int64_t Between(int64_t first, int64_t last) { return first + Below(last - first + 1); }
  bool Percent(int64_t percent) { return Below(100) < percent; }

 private:
  std::mt19937_64 engine_;
};

}  // namespace vora::workflow::simulation
