#include "services/metadata/analytics/analytics_range.h"

#include "libs/core/error.h"

#include <algorithm>
#include <cmath>

namespace vora::metadata {
namespace {

constexpr int64_t kMaxMs = 4'133'980'800'000;  // 2101
constexpr double kFallbackSegmentSeconds = 5;

std::optional<int64_t> MsOf(const google::protobuf::Timestamp& time) {
  if (time.seconds() < 0 || time.seconds() >= kMaxMs / 1000 || time.nanos() < 0) return std::nullopt;
  return time.seconds() * 1000 + time.nanos() / 1'000'000;
}

Status NotATime(std::string_view field) {
  return InvalidField(field, "must be a time as in RFC 3339 between 1970 and 2100, e.g. 2026-11-20T09:00:00Z");
}

StatusOr<google::protobuf::Timestamp> ParseTime(std::string_view field, std::string text) {
  constexpr size_t kOffset = 6;  // +01:00
  // A query turns the `+` of an offset into a space.
  if (text.size() > kOffset && text[text.size() - kOffset] == ' ') text[text.size() - kOffset] = '+';
  const int64_t ms = ParseRfc3339(text).value_or(-1);
  if (ms < 0 || ms >= kMaxMs) return NotATime(field);
  return ToTimestamp(ms);
}

}  // namespace

google::protobuf::Timestamp ToTimestamp(int64_t ms) {
  google::protobuf::Timestamp time;
  time.set_seconds(ms / 1000);
  time.set_nanos(static_cast<int32_t>(ms % 1000) * 1'000'000);
  return time;
}

StatusOr<analytics::v1::TimeRange> ParseRange(const std::optional<std::string>& from, const std::optional<std::string>& to) {
  analytics::v1::TimeRange range;
  if (from) {
    VORA_ASSIGN_OR_RETURN(*range.mutable_from(), ParseTime("from", *from));
  }
  if (to) {
    VORA_ASSIGN_OR_RETURN(*range.mutable_to(), ParseTime("to", *to));
  }
  return range;
}

StatusOr<AnalyticsRange> ResolveRange(const analytics::v1::TimeRange& range, SystemTime now) {
  AnalyticsRange resolved;
  resolved.to_ms = ToUnixMs(now);
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

// At most 360 points by the minute, 336 by the hour, 400 by the day.
int64_t SeriesSeconds(const AnalyticsRange& range) {
  const int64_t length = range.to_ms - range.from_ms;
  if (length <= 6 * 3600'000LL) return 60;
  return length <= 14 * kDayMs ? 3600 : 86400;
}

RetentionGrid MakeRetentionGrid(double segment_seconds, double duration_seconds, int64_t furthest_ms) {
  const double segment = segment_seconds > 0 ? segment_seconds : kFallbackSegmentSeconds;
  const int64_t segment_ms = std::clamp<int64_t>(std::llround(segment * 1000), 100, 3600'000);
  // A video that is not probed yet has no length.
  const int64_t length_ms = duration_seconds > 0 ? std::llround(duration_seconds * 1000) : furthest_ms;
  RetentionGrid grid;
  const int64_t segments = (length_ms + segment_ms - 1) / segment_ms;
  const int64_t together = std::max<int64_t>(1, (segments + kMaxRetentionBuckets - 1) / kMaxRetentionBuckets);
  grid.bucket_ms = segment_ms * together;
  grid.buckets = (segments + together - 1) / together;
  return grid;
}

}  // namespace vora::metadata
