#pragma once

// Wall time as a dependency, so that tests own it.

#include <chrono>
#include <mutex>

#include "libs/core/time.h"

namespace vora {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual SystemTime Now() const = 0;
  static const Clock& Real();  // lives for the whole program
};

// Thread-safe; stands still until moved.
class FakeClock : public Clock {
 public:
  explicit FakeClock(SystemTime start = SystemTime(std::chrono::seconds(1'700'000'000))) : now_(start) {}
  SystemTime Now() const override;
  void Advance(std::chrono::milliseconds by);

 private:
  mutable std::mutex mutex_;
  SystemTime now_;
};

}  // namespace vora
