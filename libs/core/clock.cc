#include "libs/core/clock.h"

#include <array>
#include <cstdio>
#include <ctime>

namespace vora {
namespace {

class SystemClock : public Clock {
 public:
  SystemTime Now() const override { return std::chrono::system_clock::now(); }
};

std::tm ToUtc(std::chrono::seconds since_epoch) {
  const auto seconds = static_cast<std::time_t>(since_epoch.count());
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return utc;
}

}  // namespace

const Clock& Clock::Real() {
  static const SystemClock clock;
  return clock;
}

SystemTime FakeClock::Now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

void FakeClock::Advance(std::chrono::milliseconds by) {
  const std::lock_guard lock(mutex_);
  now_ += by;
}

std::string FormatRfc3339(SystemTime time) {
  const auto millis = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch());
  const auto seconds = std::chrono::floor<std::chrono::seconds>(millis);
  const std::tm utc = ToUtc(seconds);
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", utc.tm_year + 1900, utc.tm_mon + 1, utc.tm_mday,
                utc.tm_hour, utc.tm_min, utc.tm_sec, static_cast<int>((millis - seconds).count()));
  return text.data();
}

std::string FormatHttpDate(SystemTime time) {
  // Not strftime: its names follow the locale.
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const std::tm utc = ToUtc(std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()));
  std::array<char, 80> text{};
  std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays.at(static_cast<size_t>(utc.tm_wday)), utc.tm_mday,
                kMonths.at(static_cast<size_t>(utc.tm_mon)), utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
  return text.data();
}

}  // namespace vora
