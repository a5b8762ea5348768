#include "services/metadata/analytics/analytics_range.h"

#include "libs/core/error.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace vora::metadata {
namespace {

constexpr int64_t kMaxMs = 4'133'980'800'000;  // 2101
constexpr double kFallbackSegmentSeconds = 5;

// Exactly `digits` digits from the front of `text`.
bool Take(std::string_view& text, size_t digits, int& value) {
  if (text.size() < digits) return false;
  const auto parsed = std::from_chars(text.data(), text.data() + digits, value);
  if (parsed.ec != std::errc() || parsed.ptr != text.data() + digits || text[0] == '-') return false;
  text.remove_prefix(digits);
  return true;
}

bool Take(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text[0]) == std::string_view::npos) return false;
  text.remove_prefix(1);
  return true;
}

// `.123456` or nothing.
bool TakeFraction(std::string_view& text, int64_t& ms) {
  if (!Take(text, ".")) return true;
  int digits = 0;
  for (; !text.empty() && text[0] >= '0' && text[0] <= '9'; text.remove_prefix(1), ++digits) {
    if (digits < 3) ms = ms * 10 + (text[0] - '0');
  }
  for (int i = digits; i < 3; ++i) ms *= 10;
  return digits > 0;
}

// `Z`, `+hh:mm`, `-hh:mm`, in minutes east.
bool TakeOffset(std::string_view& text, int& minutes) {
  if (Take(text, "Zz")) return true;
  const bool west = !text.empty() && text[0] == '-';
  int hours = 0, rest = 0;
  if (!Take(text, "+- ") || !Take(text, 2, hours) || !Take(text, ":") || !Take(text, 2, rest) || hours > 23 || rest > 59) return false;
  minutes = (hours * 60 + rest) * (west ? -1 : 1);
  return true;
}

std::optional<int64_t> MsOf(const google::protobuf::Timestamp& time) {
  const int64_t ms = time.seconds() * 1000 + time.nanos() / 1'000'000;
  if (time.seconds() < 0 || time.seconds() >= kMaxMs / 1000 || time.nanos() < 0) return std::nullopt;
  return ms;
}

Status NotATime(std::string_view field) {
  return InvalidField(field, "must be a time as in RFC 3339 between 1970 and 2100, e.g. 2026-11-20T09:00:00Z");
}

}  // namespace

std::optional<int64_t> ParseRfc3339(std::string_view text) {
  int year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0, offset = 0;
  int64_t ms = 0;
  const bool shaped = Take(text, 4, year) && Take(text, "-") && Take(text, 2, month) && Take(text, "-") && Take(text, 2, day) &&
                      Take(text, "Tt ") && Take(text, 2, hour) && Take(text, ":") && Take(text, 2, minute) && Take(text, ":") &&
                      Take(text, 2, second) && TakeFraction(text, ms) && TakeOffset(text, offset) && text.empty();
  const std::chrono::year_month_day date{std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!shaped || !date.ok() || hour > 23 || minute > 59 || second > 60) return std::nullopt;
  const int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  const int64_t total = days * kDayMs + ((hour * 60 + minute - offset) * 60LL + std::min(second, 59)) * 1000 + ms;
  if (total < 0 || total >= kMaxMs) return std::nullopt;
  return total;
}

google::protobuf::Timestamp ToTimestamp(int64_t ms) {
  google::protobuf::Timestamp time;
  time.set_seconds(ms / 1000);
  time.set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
  return time;
}

StatusOr<analytics::v1::TimeRange> ParseRange(const std::optional<std::string>& from, const std::optional<std::string>& to) {
  analytics::v1::TimeRange range;
  if (from) {
    const auto ms = ParseRfc3339(*from);
    if (!ms) return NotATime("from");
    *range.mutable_from() = ToTimestamp(*ms);
  }
  if (to) {
    const auto ms = ParseRfc3339(*to);
    if (!ms) return NotATime("to");
    *range.mutable_to() = ToTimestamp(*ms);
  }
  return range;
}

StatusOr<AnalyticsRange> ResolveRange(const analytics::v1::TimeRange& range, SystemTime now) {
  AnalyticsRange resolved;
  resolved.to_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count();
  if (range.has_to()) {
    const auto ms = MsOf(range.to());
    if (!ms) return NotATime("to");
    resolved.to_ms = *ms;
  }
  resolved.from_ms = std::max<int64_t>(0, resolved.to_ms - 7 * kDayMs);
  if (range.has_from()) {
    const auto ms = MsOf(range.from());
    if (!ms) return NotATime("from");
    resolved.from_ms = *ms;
  }
  if (resolved.from_ms >= resolved.to_ms) return InvalidField("from", "must be before `to`");
  if (resolved.to_ms - resolved.from_ms > kMaxRangeDays * kDayMs) {
    return InvalidField("from", "at most " + std::to_string(kMaxRangeDays) + " days before `to`");
  }
  return resolved;
}

analytics::v1::TimeRange ToProto(const AnalyticsRange& range) {
  analytics::v1::TimeRange proto;
  *proto.mutable_from() = ToTimestamp(range.from_ms);
  *proto.mutable_to() = ToTimestamp(range.to_ms);
  return proto;
}

int64_t SeriesSeconds(const AnalyticsRange& range) {
  const int64_t length = range.to_ms - range.from_ms;
  if (length <= 6 * 3600'000LL) return 60;
  return length <= 14 * kDayMs ? 3600 : 86400;
}

RetentionGrid MakeRetentionGrid(double segment_seconds, double duration_seconds, int64_t furthest_ms) {
  const double segment = segment_seconds > 0 ? segment_seconds : kFallbackSegmentSeconds;
  const int64_t segment_ms = std::clamp<int64_t>(std::llround(segment * 1000), 100, 3600'000);
  const int64_t length_ms = duration_seconds > 0 ? std::llround(duration_seconds * 1000) : furthest_ms;
  RetentionGrid grid;
  const int64_t segments = (length_ms + segment_ms - 1) / segment_ms;
  const int64_t together = std::max<int64_t>(1, (segments + kMaxRetentionBuckets - 1) / kMaxRetentionBuckets);
  grid.bucket_ms = segment_ms * together;
  grid.buckets = (segments + together - 1) / together;
  return grid;
}

}  // namespace vora::metadata
