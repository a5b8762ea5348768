#include "libs/core/clock.h"

namespace vora {
namespace {

class SystemClock : public Clock {
 public:
  SystemTime Now() const override { return std::chrono::system_clock::now(); }
  SteadyTime Steady() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace

const Clock& Clock::Real() {
  static const SystemClock clock;
  return clock;
}

SystemTime FakeClock::Now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

SteadyTime FakeClock::Steady() const {
  const std::lock_guard lock(mutex_);
  return steady_;
}

void FakeClock::Advance(std::chrono::milliseconds by) {
  const std::lock_guard lock(mutex_);
  now_ += by;
  steady_ += by;
}

void FakeClock::JumpWall(std::chrono::milliseconds by) {
  const std::lock_guard lock(mutex_);
  now_ += by;
}

}  // namespace vora
