#pragma once

// Time as a dependency, so that tests own it: the wall's, which may jump, and one that only ever goes on, for pauses.

#include <chrono>
#include <mutex>

#include "libs/core/time.h"

namespace vora {

using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  virtual SystemTime Now() const = 0;
  virtual SteadyTime Steady() const = 0;
  static const Clock& Real();  // lives for the whole program
};

// Thread-safe; stands still until moved.
class FakeClock : public Clock {
 public:
  explicit FakeClock(SystemTime start = SystemTime(std::chrono::seconds(1'700'000'000))) : now_(start) {}
  SystemTime Now() const override;
  SteadyTime Steady() const override;
  void Advance(std::chrono::milliseconds by);
  // Somebody sets the clock on the wall, forwards or back.
  void JumpWall(std::chrono::milliseconds by);

 private:
  mutable std::mutex mutex_;
  SystemTime now_;
  SteadyTime steady_{std::chrono::hours(1)};
};

}  // namespace vora
