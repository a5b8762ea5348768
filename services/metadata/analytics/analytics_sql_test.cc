#include "services/metadata/analytics/analytics_sql.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vora::metadata {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr int64_t kSqlMidnight = 1'795'132'800'000;  // 2026-11-20T00:00:00Z

std::vector<std::string> All(const AnalyticsScope& scope) {
  return {TotalsSql(scope, 1000),
          RetentionSql(scope, {4000, 3}),
          ExitsSql(scope, {4000, 3}),
          BitratesSql(scope),
          RenditionNamesSql(scope),
          SeriesViewsSql(scope, 60),
          SeriesWatchSql(scope, 60),
          SeriesBitratesSql(scope, 60),
          SeriesOfAllSql(scope, 60, 1000),
          TopVideosSql(scope, 10),
          SessionsSql(scope, {kSqlMidnight, "s'1"}, 10),
          SessionSql(scope.tenant, "s'1", scope.video_id),
          SessionEventsSql(scope.tenant, scope.video_id, "s'1", kSqlMidnight, kSqlMidnight, 10),
          ViewersNowSql(scope.tenant, scope.video_id, kSqlMidnight)};
}

TEST(AnalyticsSqlTest, EveryStatementKeepsToItsTenantAndEndsInItsFormat) {
  for (const std::string& sql : All({"default", "", kSqlMidnight, kSqlMidnight + 1000})) {
    EXPECT_THAT(sql, HasSubstr("WHERE tenant = 'default'"));
    EXPECT_THAT(sql, EndsWith(" FORMAT TSV"));
    EXPECT_THAT(sql, Not(HasSubstr("\n")));
  }
}

TEST(AnalyticsSqlTest, TextsAreQuoted) {
  for (const std::string& sql : All({"o'ne", "v\\' OR 1", kSqlMidnight, kSqlMidnight + 1000})) {
    EXPECT_THAT(sql, HasSubstr("tenant IN ('default', 'o\\'ne')"));
    EXPECT_THAT(sql, HasSubstr("video_id = 'v\\\\\\' OR 1'"));
    EXPECT_THAT(sql, Not(HasSubstr("s'1")));
  }
}

TEST(AnalyticsSqlTest, ReadsTheDaysOfTheRangeAndItsNeighbours) {
  const std::string sql = TotalsSql({"default", "v", kSqlMidnight, kSqlMidnight + 1000}, 0);
  EXPECT_THAT(sql, HasSubstr("event_date >= toDate('2026-11-19') AND event_date <= toDate('2026-11-21')"));
  EXPECT_THAT(sql, HasSubstr("HAVING begun >= 1795132800000 AND begun < 1795132801000 AND viewed = 1"));
  EXPECT_THAT(TotalsSql({"default", "v", 0, 1000}, 0), HasSubstr("event_date >= toDate('1970-01-01')")) << "no day before the first";
  EXPECT_THAT(ViewersNowSql("default", "v", kSqlMidnight - 1),
              HasSubstr("event_date >= toDate('2026-11-19') AND event_time >= toDateTime(1795132799) AND server_ms >= 1795132799999"));
}

TEST(AnalyticsSqlTest, BucketsAndSteps) {
  EXPECT_THAT(RetentionSql({"default", "v", 0, 1}, {4000, 3}), HasSubstr("least(intDiv(place + 3999, 4000), 3) AS high"));
  EXPECT_THAT(ExitsSql({"default", "v", 0, 1}, {4000, 3}), HasSubstr("least(intDiv(if(place > 0, place - 1, 0), 4000), 2) AS bucket"));
  EXPECT_THAT(BitratesSql({"default", "v", 0, 1}), HasSubstr("SELECT rate AS bitrate"));
  EXPECT_THAT(SeriesOfAllSql({"default", "", 0, 1}, 60, 250'000),
              HasSubstr("least(intDiv(rate + 249999, 250000) * 250000, 50000000) AS bitrate"));
  EXPECT_THAT(SessionsSql({"default", "v", 0, 9}, {}, 5), Not(HasSubstr("session_id <")));
  EXPECT_THAT(SessionsSql({"default", "v", 0, 9}, {7, "s"}, 5), HasSubstr("(begun < 7 OR (begun = 7 AND session_id < 's'))"));
}

}  // namespace
}  // namespace vora::metadata
