// Times as RFC 3339 section 5.6 writes them.

#include <algorithm>
#include <chrono>

#include "services/analytics-ingest/events/event_builder.h"

namespace vora::analytics {
namespace {

// `digits` decimal digits at `at`, which moves past them; -1: others stand there.
int Digits(std::string_view text, size_t& at, size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (const size_t end = at + digits; at < end; ++at) {
    if (text[at] < '0' || text[at] > '9') return -1;
    value = value * 10 + (text[at] - '0');
  }
  return value;
}

bool Take(std::string_view text, size_t& at, char wanted) {
  if (at >= text.size() || (text[at] | 0x20) != (wanted | 0x20)) return false;
  ++at;
  return true;
}

// Milliseconds of a fraction that begins at `at`; -1: no digit.
int Fraction(std::string_view text, size_t& at) {
  int millis = 0;
  int scale = 100;
  const size_t begin = at;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10) millis += scale * (text[at] - '0');
  return at == begin ? -1 : millis;
}

// Minutes east of UTC; 10000: malformed.
int Offset(std::string_view text, size_t& at) {
  constexpr int kMalformed = 10000;
  if (Take(text, at, 'z')) return 0;
  if (at >= text.size() || (text[at] != '+' && text[at] != '-')) return kMalformed;
  const int sign = text[at++] == '-' ? -1 : 1;
  const int hours = Digits(text, at, 2);
  if (at >= text.size() || text[at] != ':') return kMalformed;
  ++at;
  const int minutes = Digits(text, at, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return kMalformed;
  return sign * (hours * 60 + minutes);
}

}  // namespace

int64_t ParseRfc3339(std::string_view text) {
  size_t at = 0;
  const int year = Digits(text, at, 4);
  if (at >= text.size() || text[at++] != '-') return -1;
  const int month = Digits(text, at, 2);
  if (at >= text.size() || text[at++] != '-') return -1;
  const int day = Digits(text, at, 2);
  if (!Take(text, at, 't') && (at >= text.size() || text[at++] != ' ')) return -1;
  const int hour = Digits(text, at, 2);
  if (at >= text.size() || text[at++] != ':') return -1;
  const int minute = Digits(text, at, 2);
  if (at >= text.size() || text[at++] != ':') return -1;
  const int second = Digits(text, at, 2);
  int millis = 0;
  if (at < text.size() && text[at] == '.') millis = Fraction(text, ++at);
  const int offset = Offset(text, at);
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(std::max(month, 0))),
                                         std::chrono::day(static_cast<unsigned>(std::max(day, 0)))};
  const bool clock = hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second <= 60;
  if (at != text.size() || year < 0 || !date.ok() || !clock || millis < 0 || offset > 24 * 60) return -1;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const int64_t seconds = ((days * 24 + hour) * 60 + minute - offset) * 60 + std::min(second, 59);
  return std::max<int64_t>(seconds * 1000 + millis, -1);
}

}  // namespace vora::analytics
