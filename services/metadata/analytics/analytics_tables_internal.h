#pragma once

// The parts of analytics answers, each read by one statement of analytics_sql.h.

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "services/metadata/analytics/analytics_reader.h"
#include "services/metadata/analytics/analytics_sql.h"
#include "services/metadata/analytics/stall_cause.h"
#include "vora/analytics/v1/queries.pb.h"

namespace vora::metadata {

using Turn = AnalyticsReader::Turn;

struct TotalsRead {
  analytics::v1::Totals totals;  // without viewers_now
  int64_t furthest_ms = 0;
};
StatusOr<TotalsRead> ReadTotals(Turn& turn, const AnalyticsScope& scope, int64_t complete_ms);
// Video and its viewers of now, most watched first.
StatusOr<std::vector<std::pair<std::string, int64_t>>> ReadViewersNow(Turn& turn, const std::string& tenant, const std::string& video_id,
                                                                      int64_t since_ms);
StatusOr<std::map<int64_t, std::string>> ReadRenditionNames(Turn& turn, const AnalyticsScope& scope);
// Empty without views; else every bucket of the grid.
Status ReadRetention(Turn& turn, const AnalyticsScope& scope, const RetentionGrid& grid, int64_t views,
                     google::protobuf::RepeatedPtrField<analytics::v1::RetentionPoint>* points);
Status ReadBitrates(Turn& turn, const AnalyticsScope& scope, const std::map<int64_t, std::string>& names, double watch_seconds,
                    google::protobuf::RepeatedPtrField<analytics::v1::BitrateShare>* shares);
Status ReadSeries(Turn& turn, const AnalyticsScope& scope, int64_t bucket_seconds, const std::map<int64_t, std::string>& names,
                  google::protobuf::RepeatedPtrField<analytics::v1::TimePoint>* points);

struct TopVideosRead {
  std::vector<analytics::v1::VideoShare> videos;
  analytics::v1::Totals totals;  // of all videos
};
StatusOr<TopVideosRead> ReadTopVideos(Turn& turn, const AnalyticsScope& scope, int top);
// `bitrates` and `series` of the catalogue.
Status ReadSeriesOfAll(Turn& turn, const AnalyticsScope& scope, int64_t step, analytics::v1::CatalogAnalytics& answer);

struct SessionRead {
  analytics::v1::Session session;
  int64_t begun_ms = 0, heard_ms = 0;
};
// By SessionsSql or SessionSql.
StatusOr<std::vector<SessionRead>> ReadSessions(Turn& turn, const std::string& sql);
StatusOr<std::vector<ViewEvent>> ReadEvents(Turn& turn, const std::string& sql);
analytics::v1::SessionEvent ToProto(const ViewEvent& event);

double Ratio(double part, double whole);  // 0 of nothing

}  // namespace vora::metadata
