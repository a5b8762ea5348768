#pragma once

// Wall time as a dependency, so that tests own it.

#include <chrono>
#include <mutex>
#include <string>

namespace vora {

using SystemTime = std::chrono::system_clock::time_point;

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

// RFC 3339 in UTC with milliseconds: 2026-11-20T09:06:58.123Z
std::string FormatRfc3339(SystemTime time);
// RFC 9110 section 5.6.7 (IMF-fixdate): Sun, 06 Nov 1994 08:49:37 GMT
std::string FormatHttpDate(SystemTime time);

}  // namespace vora
