#include <algorithm>

#include "services/metadata/analytics/analytics_range.h"
#include "services/metadata/analytics/analytics_tables_internal.h"

namespace vora::metadata {
namespace {

namespace an = analytics::v1;
template <typename T>
using Repeated = google::protobuf::RepeatedPtrField<T>;
constexpr size_t kTotalsColumns = 12;
constexpr size_t kMaxShares = 50;
constexpr int kMaxSharesInBucket = 20;

void SetBitrate(int64_t bitrate, const std::map<int64_t, std::string>& names, double watched, double all, an::BitrateShare* share) {
  const auto name = names.find(bitrate);
  share->set_bitrate(bitrate);
  if (name != names.end()) share->set_rendition(name->second);
  share->set_watch_seconds(watched);
  share->set_ratio(Ratio(watched, all));
}

// The columns of TotalsSql.
TotalsRead TakeTotals(FieldReader& field) {
  TotalsRead read;
  an::Totals& totals = read.totals;
  totals.set_views(field.Int());
  totals.set_unique_viewers(field.Int());
  totals.set_watch_seconds(field.Seconds());
  totals.set_median_startup_seconds(field.Seconds());
  totals.set_p95_startup_seconds(field.Seconds());
  totals.set_stalls(field.Int());
  totals.set_stall_seconds(field.Seconds());
  totals.set_views_with_errors(field.Int());
  totals.set_completion_ratio(Ratio(field.Real(), static_cast<double>(totals.views())));
  totals.set_events(field.Int());
  totals.set_lost_events(field.Int());
  read.furthest_ms = field.Int();
  totals.set_average_watch_seconds(Ratio(totals.watch_seconds(), static_cast<double>(totals.views())));
  totals.set_rebuffer_ratio(Ratio(totals.stall_seconds(), totals.stall_seconds() + totals.watch_seconds()));
  return read;
}

// By the bucket's begin in seconds.
using Series = std::map<int64_t, an::TimePoint>;

StatusOr<Series> ReadSeriesViews(Turn& turn, const AnalyticsScope& scope, int64_t bucket_seconds) {
  VORA_ASSIGN_OR_RETURN(const auto rows, turn.Read(SeriesViewsSql(scope, bucket_seconds), 2));
  Series series;
  for (const AnalyticsRow& row : rows) {
    FieldReader field(row);
    const int64_t bucket = field.Int();
    series[bucket].set_views(field.Int());
    VORA_RETURN_IF_ERROR(field.Finish());
  }
  return series;
}

void StoreSeries(Series series, Repeated<an::TimePoint>* points) {
  for (auto& [bucket, point] : series) {
    *point.mutable_time() = ToTimestamp(bucket * 1000);
    *points->Add() = std::move(point);
  }
}

}  // namespace

double Ratio(double part, double whole) { return whole > 0 ? part / whole : 0; }

StatusOr<TotalsRead> ReadTotals(Turn& turn, const AnalyticsScope& scope, int64_t complete_ms) {
  VORA_ASSIGN_OR_RETURN(const auto rows, turn.Read(TotalsSql(scope, complete_ms), kTotalsColumns));
  if (rows.empty()) return TotalsRead();
  FieldReader field(rows[0]);
  TotalsRead read = TakeTotals(field);
  VORA_RETURN_IF_ERROR(field.Finish());
  return read;
}

StatusOr<std::vector<std::pair<std::string, int64_t>>> ReadViewersNow(Turn& turn, const std::string& tenant, const std::string& video_id,
                                                                      int64_t since_ms) {
  VORA_ASSIGN_OR_RETURN(const auto rows, turn.Read(ViewersNowSql(tenant, video_id, since_ms), 2));
  std::vector<std::pair<std::string, int64_t>> viewers;
  for (const AnalyticsRow& row : rows) {
    FieldReader field(row);
    std::string video = field.Text();
    viewers.emplace_back(std::move(video), field.Int());
    VORA_RETURN_IF_ERROR(field.Finish());
  }
  return viewers;
}

StatusOr<std::map<int64_t, std::string>> ReadRenditionNames(Turn& turn, const AnalyticsScope& scope) {
  VORA_ASSIGN_OR_RETURN(const auto rows, turn.Read(RenditionNamesSql(scope), 2));
  std::map<int64_t, std::string> names;
  for (const AnalyticsRow& row : rows) {
    FieldReader field(row);
    const int64_t bitrate = field.Int();
    names[bitrate] = field.Text();
    VORA_RETURN_IF_ERROR(field.Finish());
  }
  return names;
}

Status ReadRetention(Turn& turn, const AnalyticsScope& scope, const RetentionGrid& grid, int64_t views,
                     Repeated<an::RetentionPoint>* points) {
  if (views == 0 || grid.buckets == 0) return absl::OkStatus();
  VORA_ASSIGN_OR_RETURN(const auto watched, turn.Read(RetentionSql(scope, grid), 2));
  VORA_ASSIGN_OR_RETURN(const auto exits, turn.Read(ExitsSql(scope, grid), 2));
  // Buckets that nobody watched have no row, and are points of the curve all the same.
  for (int64_t bucket = 0; bucket < grid.buckets; ++bucket) {
    points->Add()->set_start_seconds(static_cast<double>(bucket * grid.bucket_ms) / 1000);
  }
  const auto fill = [&grid](const std::vector<AnalyticsRow>& rows, const auto& set) -> Status {
    for (const AnalyticsRow& row : rows) {
      FieldReader field(row);
      const int64_t bucket = field.Int(), count = field.Int();
      VORA_RETURN_IF_ERROR(field.Finish());
      if (bucket >= 0 && bucket < grid.buckets) set(static_cast<int>(bucket), count);
    }
    return absl::OkStatus();
  };
  VORA_RETURN_IF_ERROR(fill(watched, [&](int bucket, int64_t viewers) {
    points->Mutable(bucket)->set_viewers(viewers);
    points->Mutable(bucket)->set_ratio(Ratio(static_cast<double>(viewers), static_cast<double>(views)));
  }));
  return fill(exits, [&](int bucket, int64_t count) { points->Mutable(bucket)->set_exits(count); });
}

Status ReadBitrates(Turn& turn, const AnalyticsScope& scope, const std::map<int64_t, std::string>& names, double watch_seconds,
                    Repeated<an::BitrateShare>* shares) {
  VORA_ASSIGN_OR_RETURN(const auto rows, turn.Read(BitratesSql(scope), 2));
  for (const AnalyticsRow& row : rows) {
    FieldReader field(row);
    const int64_t bitrate = field.Int();
    SetBitrate(bitrate, names, field.Seconds(), watch_seconds, shares->Add());
    VORA_RETURN_IF_ERROR(field.Finish());
  }
  return absl::OkStatus();
}

Status ReadSeries(Turn& turn, const AnalyticsScope& scope, int64_t bucket_seconds, const std::map<int64_t, std::string>& names,
                  Repeated<an::TimePoint>* points) {
  VORA_ASSIGN_OR_RETURN(Series series, ReadSeriesViews(turn, scope, bucket_seconds));
  VORA_ASSIGN_OR_RETURN(const auto watch, turn.Read(SeriesWatchSql(scope, bucket_seconds), 5));
  for (const AnalyticsRow& row : watch) {
    FieldReader field(row);
    an::TimePoint& point = series[field.Int()];
    point.set_watch_seconds(field.Seconds());
    point.set_stall_seconds(field.Seconds());
    // Only stretches of a known bitrate count here: the others weigh 0 in the sum and would pull the average down.
    const double known_ms = field.Real();
    point.set_average_bitrate(Ratio(field.Real(), known_ms));
    VORA_RETURN_IF_ERROR(field.Finish());
  }
  VORA_ASSIGN_OR_RETURN(const auto bitrates, turn.Read(SeriesBitratesSql(scope, bucket_seconds), 3));
  for (const AnalyticsRow& row : bitrates) {
    FieldReader field(row);
    an::TimePoint& point = series[field.Int()];
    const int64_t bitrate = field.Int();
    SetBitrate(bitrate, names, field.Seconds(), point.watch_seconds(), point.add_bitrates());
    VORA_RETURN_IF_ERROR(field.Finish());
  }
  StoreSeries(std::move(series), points);
  return absl::OkStatus();
}

StatusOr<TopVideosRead> ReadTopVideos(Turn& turn, const AnalyticsScope& scope, int top) {
  VORA_ASSIGN_OR_RETURN(const auto answer, turn.ReadWithTotals(TopVideosSql(scope, top), 1 + kTotalsColumns));
  TopVideosRead read;
  const auto take = [](const AnalyticsRow& row, std::string& video_id, an::Totals& totals) {
    FieldReader field(row);
    video_id = field.Text();
    totals = TakeTotals(field).totals;
    return field.Finish();
  };
  std::string video_id;
  an::Totals totals;
  for (const AnalyticsRow& row : answer.rows) {
    VORA_RETURN_IF_ERROR(take(row, video_id, totals));
    an::VideoShare& video = read.videos.emplace_back();
    video.set_video_id(video_id);
    video.set_views(totals.views());
    video.set_watch_seconds(totals.watch_seconds());
    video.set_average_watch_seconds(totals.average_watch_seconds());
    video.set_rebuffer_ratio(totals.rebuffer_ratio());
  }
  // Fits the row of totals too: ClickHouse fills its key column with the type's default.
  if (!answer.totals.empty()) VORA_RETURN_IF_ERROR(take(answer.totals, video_id, read.totals));
  return read;
}

Status ReadSeriesOfAll(Turn& turn, const AnalyticsScope& scope, int64_t step, an::CatalogAnalytics& answer) {
  struct Sums {
    double known = 0, weighted = 0;
  };
  std::map<int64_t, Sums> sums;
  std::map<int64_t, double> watched_at;  // by bitrate
  VORA_ASSIGN_OR_RETURN(Series series, ReadSeriesViews(turn, scope, answer.series_seconds()));
  VORA_ASSIGN_OR_RETURN(const auto rows, turn.Read(SeriesOfAllSql(scope, answer.series_seconds(), step), 5));
  for (const AnalyticsRow& row : rows) {
    FieldReader field(row);
    const int64_t bucket = field.Int(), bitrate = field.Int();
    const double watched = field.Seconds(), stalled = field.Seconds(), weighted = field.Seconds();
    VORA_RETURN_IF_ERROR(field.Finish());
    an::TimePoint& point = series[bucket];
    point.set_watch_seconds(point.watch_seconds() + watched);
    point.set_stall_seconds(point.stall_seconds() + stalled);
    sums[bucket].known += bitrate > 0 ? watched : 0;
    sums[bucket].weighted += weighted;
    if (watched <= 0) continue;
    watched_at[bitrate] += watched;
    // A bucket's rows come most watched first, so what is left out is the least watched.
    if (point.bitrates_size() < kMaxSharesInBucket) SetBitrate(bitrate, {}, watched, 0, point.add_bitrates());
  }
  for (auto& [bucket, point] : series) {
    point.set_average_bitrate(Ratio(sums[bucket].weighted, sums[bucket].known));
    for (an::BitrateShare& share : *point.mutable_bitrates()) share.set_ratio(Ratio(share.watch_seconds(), point.watch_seconds()));
  }
  StoreSeries(std::move(series), answer.mutable_series());
  std::vector<std::pair<double, int64_t>> most;
  // Negated for the order of pairs: most watched first, and of equals the lower bitrate.
  for (const auto& [bitrate, watched] : watched_at) most.emplace_back(-watched, bitrate);
  std::sort(most.begin(), most.end());
  for (size_t i = 0; i < most.size() && i < kMaxShares; ++i) {
    SetBitrate(most[i].second, {}, -most[i].first, answer.totals().watch_seconds(), answer.add_bitrates());
  }
  return absl::OkStatus();
}

}  // namespace vora::metadata
