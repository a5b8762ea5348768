#include "services/metadata/analytics/analytics_sql.h"

#include <algorithm>

#include "libs/clickhouse/client.h"
#include "libs/core/caller.h"
#include "libs/core/clock.h"

namespace vora::metadata {
namespace {

using clickhouse::Quote;

constexpr const char* kPlayersTenant = kDefaultTenant;
constexpr char kFormat[] = " FORMAT TSV";
// Types of playback_events as `deltas` has them.
constexpr char kWatched[] = "kind = 5";
constexpr char kStalled[] = "kind = 7";

std::string Number(int64_t value) { return std::to_string(value); }

std::string DayOf(int64_t ms) {
  const SystemTime time{std::chrono::milliseconds(std::max<int64_t>(ms, 0))};
  return "toDate('" + FormatRfc3339(time).substr(0, 10) + "')";
}

std::string Days(int64_t from_ms, int64_t to_ms) { return "event_date >= " + DayOf(from_ms) + " AND event_date <= " + DayOf(to_ms); }

std::string Owner(const std::string& tenant, const std::string& video_id) {
  // What programs recorded for a tenant lies under its name, what players reported under the default one.
  const std::string whose =
      tenant == kPlayersTenant ? "tenant = " + Quote(tenant) : "tenant IN (" + Quote(kPlayersTenant) + ", " + Quote(tenant) + ")";
  return whose + (video_id.empty() ? "" : " AND video_id = " + Quote(video_id));
}

std::string Owner(const AnalyticsScope& scope) {
  const std::string owner = Owner(scope.tenant, scope.video_id);
  if (!scope.only) return owner;
  std::string ids;
  for (const std::string& id : *scope.only) ids += (ids.empty() ? "" : ", ") + Quote(id);
  // An empty IN is a syntax error.
  return owner + (ids.empty() ? " AND 0" : " AND video_id IN (" + ids + ")");
}

// One row per session. A session has a row for each day (and, until the parts are merged, for each insert); it is put together here. `u`
// has one delta per sequence number, the earliest, since an event that came twice may be there with two times.
// The columns are states of aggregates, and only the -Merge functions make values of them.
std::string SelectSessions(const std::string& where, const std::string& having) {
  return "SELECT video_id, session_id, who, begun, heard, startup, furthest, received, failed, viewed, finished, names, "
         "if(newest >= 0, newest + 1 - numbered, 0) AS lost, "
         "arrayFilter((x, n) -> n = 1, s, arrayEnumerateUniq(arrayMap(x -> x.1, s))) AS u, "
         "arraySum(arrayMap(x -> if(x.3 = 5, x.5, 0), u)) AS watch_ms, "
         "arraySum(arrayMap(x -> if(x.3 = 7, x.5, 0), u)) AS stall_ms, arrayCount(x -> x.3 = 7, u) AS stalls FROM ("
         "SELECT video_id, session_id, maxMerge(viewer) AS who, minMerge(first_ms) AS begun, maxMerge(last_ms) AS heard, "
         "minIfMerge(startup_ms) AS startup, maxMerge(max_position_ms) AS furthest, uniqExactMerge(events) AS received, "
         "uniqExactIfMerge(sequences) AS numbered, maxMerge(last_sequence) AS newest, uniqExactIfMerge(errors) AS failed, "
         "maxMerge(played) AS viewed, maxMerge(ended) AS finished, groupUniqArrayIfMerge(renditions) AS names, "
         "arraySort(groupUniqArrayIfMerge(deltas)) AS s FROM playback_sessions WHERE " +
         where + " GROUP BY video_id, session_id" + (having.empty() ? "" : " HAVING " + having) + ")";
}

// Sessions of the scope. A view may run over midnight, and its days are looked at as a whole.
// Days are the partitions, so what is older is not even opened; by the day alone a view that began before midnight would lose its begin.
std::string SessionsOf(const AnalyticsScope& scope, const std::string& also) {
  return SelectSessions(Owner(scope) + " AND " + Days(scope.from_ms - kDayMs, scope.to_ms + kDayMs),
                        "begun >= " + Number(scope.from_ms) + " AND begun < " + Number(scope.to_ms) + also);
}

std::string Views(const AnalyticsScope& scope) { return SessionsOf(scope, " AND viewed = 1"); }

// One row per watched stretch and per stall of the views.
std::string Deltas(const AnalyticsScope& scope) {
  return "SELECT video_id, session_id, d.1 AS sequence, d.2 AS at, d.3 AS kind, d.4 AS place, d.5 AS ms, d.6 AS rate FROM ("
         "SELECT video_id, session_id, arrayJoin(u) AS d FROM (" +
         Views(scope) + "))";
}

std::string Bucket(const std::string& seconds, int64_t bucket_seconds) {
  return "intDiv(" + seconds + ", " + Number(bucket_seconds) + ") * " + Number(bucket_seconds);
}

std::string TotalsColumns(int64_t complete_ms) {
  const std::string complete = complete_ms > 0 ? "countIf(furthest >= " + Number(complete_ms) + ")" : "0";
  // Of viewers who are not known each session counts as one; by their empty name they would all be one viewer.
  return "count() AS views, uniqExact(if(who = '', concat(video_id, '/', session_id), who)), sum(watch_ms) AS watched, "
         "quantileExactIf(0.5)(startup, startup > 0), quantileExactIf(0.95)(startup, startup > 0), sum(stalls), sum(stall_ms), "
         "countIf(failed > 0), " +
         complete + ", sum(received), sum(lost), max(furthest)";
}

constexpr char kSessionColumns[] =
    "SELECT session_id, video_id, begun, heard, startup, watch_ms, stalls, stall_ms, failed, arrayStringConcat(arraySort(names), '\\n'), "
    "furthest, finished, received, lost FROM (";

}  // namespace

std::string TotalsSql(const AnalyticsScope& scope, int64_t complete_ms) {
  return "SELECT " + TotalsColumns(complete_ms) + " FROM (" + Views(scope) + ")" + kFormat;
}

std::string RetentionSql(const AnalyticsScope& scope, const RetentionGrid& grid) {
  const std::string bucket = Number(grid.bucket_ms), buckets = Number(grid.buckets);
  // A stretch of `ms` ends at `place`; it touches the buckets [low, high).
  return "SELECT low + step AS bucket, uniqExact(session_id) FROM (SELECT session_id, low, arrayJoin(range(toUInt32(high - low))) AS step "
         "FROM (SELECT session_id, intDiv(if(ms > place, 0, place - ms), " +
         bucket + ") AS low, least(intDiv(place + " + Number(grid.bucket_ms - 1) + ", " + bucket + "), " + buckets + ") AS high FROM (" +
         Deltas(scope) + ") WHERE " + kWatched + " AND ms > 0) WHERE high > low) GROUP BY bucket ORDER BY bucket" + kFormat;
}

std::string ExitsSql(const AnalyticsScope& scope, const RetentionGrid& grid) {
  // Without sequence numbers the order is that of arrival.
  return "SELECT least(intDiv(if(place > 0, place - 1, 0), " + Number(grid.bucket_ms) + "), " +
         Number(std::max<int64_t>(grid.buckets - 1, 0)) +
         ") AS bucket, count() FROM (SELECT session_id, argMax(spot, turn) AS place FROM (SELECT session_id, place AS spot, "
         "if(sequence >= 0, sequence, toInt64(at)) AS turn FROM (" +
         Deltas(scope) + ") WHERE " + kWatched + " AND ms > 0) GROUP BY session_id) GROUP BY bucket ORDER BY bucket" + kFormat;
}

std::string BitratesSql(const AnalyticsScope& scope) {
  return "SELECT rate AS bitrate, sum(ms) AS watched FROM (" + Deltas(scope) + ") WHERE " + kWatched +
         " GROUP BY bitrate HAVING watched > 0 ORDER BY watched DESC, bitrate LIMIT 50" + kFormat;
}

std::string RenditionNamesSql(const AnalyticsScope& scope) {
  // Most events decide the name, so that a single client with names of its own changes nothing.
  return "SELECT bitrate, rendition FROM playback_events WHERE " + Owner(scope) + " AND " +
         Days(scope.from_ms - kDayMs, scope.to_ms + kDayMs) +
         " AND type IN ('watch_time', 'bitrate_selected', 'segment_fetched') AND bitrate > 0 AND rendition != '' "
         "GROUP BY bitrate, rendition ORDER BY count() DESC, rendition LIMIT 1 BY bitrate LIMIT 1000" +
         kFormat;
}

std::string SeriesViewsSql(const AnalyticsScope& scope, int64_t bucket_seconds) {
  return "SELECT " + Bucket("intDiv(begun, 1000)", bucket_seconds) + " AS bucket, count() FROM (" + Views(scope) +
         ") GROUP BY bucket ORDER BY bucket" + kFormat;
}

std::string SeriesWatchSql(const AnalyticsScope& scope, int64_t bucket_seconds) {
  return "SELECT " + Bucket("at", bucket_seconds) + " AS bucket, sumIf(ms, " + kWatched + "), sumIf(ms, " + kStalled + "), sumIf(ms, " +
         kWatched + " AND rate > 0), sumIf(toUInt64(ms) * rate, " + kWatched + ") FROM (" + Deltas(scope) +
         ") GROUP BY bucket ORDER BY bucket" + kFormat;
}

std::string SeriesBitratesSql(const AnalyticsScope& scope, int64_t bucket_seconds) {
  return "SELECT " + Bucket("at", bucket_seconds) + " AS bucket, rate AS bitrate, sum(ms) AS watched FROM (" + Deltas(scope) + ") WHERE " +
         kWatched + " GROUP BY bucket, bitrate HAVING watched > 0 ORDER BY bucket, watched DESC, bitrate LIMIT 20 BY bucket" + kFormat;
}

std::string TopVideosSql(const AnalyticsScope& scope, int64_t top) {
  // The totals are of all groups, also of those that LIMIT leaves out, so that the sums of the catalogue need no second pass.
  return "SELECT video_id, " + TotalsColumns(0) + " FROM (" + Views(scope) +
         ") GROUP BY video_id WITH TOTALS ORDER BY watched DESC, views DESC, video_id LIMIT " + Number(top) + kFormat;
}

std::string SeriesOfAllSql(const AnalyticsScope& scope, int64_t bucket_seconds, int64_t step) {
  const std::string multiple = Number(step);
  return "SELECT " + Bucket("at", bucket_seconds) + " AS bucket, least(intDiv(rate + " + Number(step - 1) + ", " + multiple + ") * " +
         multiple + ", " + Number(kMaxShownBitrate) + ") AS bitrate, sumIf(ms, " + kWatched + ") AS watched, sumIf(ms, " + kStalled +
         "), sumIf(toUInt64(ms) * rate, " + kWatched + ") FROM (" + Deltas(scope) +
         ") GROUP BY bucket, bitrate ORDER BY bucket, watched DESC, bitrate" + kFormat;
}

std::string SessionsSql(const AnalyticsScope& scope, const SessionCursor& after, int64_t limit) {
  const std::string begun = Number(after.begun_ms);
  // A place in the order and no offset: sessions that begin between two pages neither repeat nor hide any.
  const std::string older =
      after.session_id.empty() ? ""
                               : " AND (begun < " + begun + " OR (begun = " + begun + " AND session_id < " + Quote(after.session_id) + "))";
  return kSessionColumns + SessionsOf(scope, older) + ") ORDER BY begun DESC, session_id DESC LIMIT " + Number(limit) + kFormat;
}

std::string SessionSql(const std::string& tenant, const std::string& session_id, const std::string& video_id) {
  return kSessionColumns + SelectSessions(Owner(tenant, video_id) + " AND session_id = " + Quote(session_id), "") +
         ") ORDER BY begun DESC, video_id LIMIT 1" + kFormat;
}

std::string SessionEventsSql(const std::string& tenant, const std::string& video_id, const std::string& session_id, int64_t begun_ms,
                             int64_t heard_ms, int64_t limit) {
  // Players that got no answer post again, so a number may be there twice; LIMIT BY is applied before the LIMIT of the page.
  return "SELECT server_ms, player_ms, sequence, toString(type), position_ms, duration_ms, rendition, bitrate, segment_index, error_code, "
         "buffer_ms, cache, origin_ms, bytes, status, object FROM playback_events WHERE " +
         Owner(tenant, video_id) + " AND session_id = " + Quote(session_id) + " AND " + Days(begun_ms - kDayMs, heard_ms + kDayMs) +
         " ORDER BY server_ms, sequence LIMIT 1 BY sequence LIMIT " + Number(limit) + kFormat;
}

std::string ViewersNowSql(const std::string& tenant, const std::string& video_id, int64_t since_ms) {
  // Without an upper bound: the clocks of two daemons may differ. The time in seconds is in the key: what is older is not read at all where
  // a video has much.
  return "SELECT video_id, uniqExact(session_id) AS viewers FROM playback_events WHERE " + Owner(tenant, video_id) +
         " AND event_date >= " + DayOf(since_ms) + " AND event_time >= toDateTime(" + Number(std::max<int64_t>(since_ms, 0) / 1000) +
         ") AND server_ms >= " + Number(since_ms) +
         " AND type != 'delivery' GROUP BY video_id ORDER BY viewers DESC, video_id LIMIT 10000" + kFormat;
}

}  // namespace vora::metadata
