#pragma once

// The SQL of analytics: pure text, for ClickHouse 18.16 and later, over the tables of services/analytics-ingest/migrations. Every statement
// ends in FORMAT TSV; the columns are named beside each function. Times are Unix milliseconds in UTC unless named otherwise.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace vora::metadata {

inline constexpr int64_t kDayMs = 86400'000;

// Views whose first event came in [from, to).
// Players do not know the tenant of what they play: their events lie under `default`, and their videos tell whose they are. So a caller
// who gives a tenant must have made sure that the video is its own, or give its videos.
struct AnalyticsScope {
  std::string tenant;
  std::string video_id;  // empty: all
  int64_t from_ms = 0, to_ms = 0;
  std::optional<std::vector<std::string>> only = {};  // of all videos: these
};

// Buckets of a video's length.
struct RetentionGrid {
  int64_t bucket_ms = 5000;
  int64_t buckets = 0;
};

// A page of sessions begins after this one; `session_id` empty: at the newest.
struct SessionCursor {
  int64_t begun_ms = 0;
  std::string session_id;
};

// views, viewers, watch ms, median startup ms, p95 startup ms, stalls, stall ms, views with errors, views that came to `complete_ms`
// (0: none), events, lost events, furthest position ms. One row, also of nothing.
std::string TotalsSql(const AnalyticsScope& scope, int64_t complete_ms);
// bucket, viewers: only buckets that someone watched.
std::string RetentionSql(const AnalyticsScope& scope, const RetentionGrid& grid);
// bucket, exits; beyond the grid counts as its last bucket.
std::string ExitsSql(const AnalyticsScope& scope, const RetentionGrid& grid);
// bitrate, watch ms: the most watched 50.
std::string BitratesSql(const AnalyticsScope& scope);
// bitrate, rendition: the name that players called it most often.
std::string RenditionNamesSql(const AnalyticsScope& scope);
// bucket's begin in seconds, views.
std::string SeriesViewsSql(const AnalyticsScope& scope, int64_t bucket_seconds);
// bucket's begin in seconds, watch ms, stall ms, watch ms of known bitrate, sum of bitrate x ms.
std::string SeriesWatchSql(const AnalyticsScope& scope, int64_t bucket_seconds);
// bucket's begin in seconds, bitrate, watch ms: the most watched 20 of each bucket.
std::string SeriesBitratesSql(const AnalyticsScope& scope, int64_t bucket_seconds);

// Of many videos, in as few passes as can be. video_id, then the columns of TotalsSql: most watched first; WITH TOTALS, of all videos.
std::string TopVideosSql(const AnalyticsScope& scope, int64_t top);
// bucket's begin in seconds, bitrate rounded up to a multiple of `step` and not above kMaxShownBitrate, watch ms, stall ms, sum of bitrate
// x ms.
std::string SeriesOfAllSql(const AnalyticsScope& scope, int64_t bucket_seconds, int64_t step);
inline constexpr int64_t kMaxShownBitrate = 50'000'000;

// session_id, video_id, begun ms, last heard ms, startup ms, watch ms, stalls, stall ms, errors, renditions (one a line), furthest ms,
// ended, events, lost events: newest first; also those that never played.
std::string SessionsSql(const AnalyticsScope& scope, const SessionCursor& after, int64_t limit);
// The same columns: the newest session of this id. `video_id` may be empty.
std::string SessionSql(const std::string& tenant, const std::string& session_id, const std::string& video_id);
// server ms, player ms, sequence, type, position ms, duration ms, rendition, bitrate, segment index, error code, buffer ms, cache, origin
// ms, bytes, status, object: one row per sequence number, oldest first, from the days of [begun, heard].
std::string SessionEventsSql(const std::string& tenant, const std::string& video_id, const std::string& session_id, int64_t begun_ms,
                             int64_t heard_ms, int64_t limit);

// video_id, sessions heard of since `since_ms`: most watched first. `video_id` may be empty.
std::string ViewersNowSql(const std::string& tenant, const std::string& video_id, int64_t since_ms);

}  // namespace vora::metadata
