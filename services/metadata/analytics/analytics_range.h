#pragma once

// Time ranges of analytics and what follows from them. Pure.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "services/metadata/analytics/analytics_sql.h"
#include "vora/analytics/v1/queries.pb.h"

namespace vora::metadata {

inline constexpr int64_t kMaxRangeDays = 400;
inline constexpr int64_t kMaxRetentionBuckets = 500;

// [from, to), Unix milliseconds.
struct AnalyticsRange {
  int64_t from_ms = 0, to_ms = 0;
};

// What REST was given: RFC 3339 (`2026-11-20T09:06:58.123Z`, `...+01:00`; a space for the `+`, which a query turns it into), years 1970 to
// 2100; digits after the milliseconds are cut. INVALID_ARGUMENT naming `from` or `to`.
StatusOr<analytics::v1::TimeRange> ParseRange(const std::optional<std::string>& from, const std::optional<std::string>& to);
// Absent `to`: `now`; absent `from`: seven days before `to`. INVALID_ARGUMENT: not before `to`, too far apart, out of 1970 to 2100.
StatusOr<AnalyticsRange> ResolveRange(const analytics::v1::TimeRange& range, SystemTime now);
analytics::v1::TimeRange ToProto(const AnalyticsRange& range);
google::protobuf::Timestamp ToTimestamp(int64_t ms);

// 60, 3600 or 86400.
int64_t SeriesSeconds(const AnalyticsRange& range);
// Buckets of one segment over the video's length; of several when there would be more than kMaxRetentionBuckets. `duration_seconds` 0: as
// far as anyone came. `segment_seconds` 0: 5.
RetentionGrid MakeRetentionGrid(double segment_seconds, double duration_seconds, int64_t furthest_ms);

}  // namespace vora::metadata
