#include "services/metadata/analytics/analytics_range.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"

namespace vora::metadata {
namespace {

using ::testing::HasSubstr;
constexpr int64_t kDay = 86'400'000;

// From the text of a query to Unix milliseconds; -1: refused, naming `from`.
int64_t Read(const std::string& text) {
  const auto range = ParseRange(text, std::nullopt);
  if (!range.ok()) {
    EXPECT_THAT(range.status(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("from")));
    return -1;
  }
  return range->from().seconds() * 1000 + range->from().nanos() / 1'000'000;
}

TEST(AnalyticsRangeTest, ReadsTimesOfQueries) {
  EXPECT_EQ(Read("1970-01-01T00:00:00Z"), 0);
  EXPECT_EQ(Read("2026-11-20t09:06:58.1239z"), 1'795'165'618'123);
  EXPECT_EQ(Read("2026-11-20T10:06:58.5+01:00"), 1'795'165'618'500);
  EXPECT_EQ(Read("2026-11-20T10:06:58 01:00"), 1'795'165'618'000) << "a plus that was not escaped";
  for (const char* bad : {"", "now", "2026-11-20", "1969-12-31T23:59:59Z", "2101-01-01T00:00:00Z", "2026-02-30T09:06:58Z"}) {
    EXPECT_EQ(Read(bad), -1) << bad;
  }
}

TEST(AnalyticsRangeTest, FillsInWhatIsAbsentAndNamesWhatIsWrong) {
  const SystemTime now{std::chrono::milliseconds(1'795'165'618'123)};
  auto range = ResolveRange({}, now);
  ASSERT_THAT(range, IsOk());
  EXPECT_EQ(range->to_ms, 1'795'165'618'123);
  EXPECT_EQ(range->from_ms, range->to_ms - 7 * kDay);
  const auto given = ParseRange("2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z");
  ASSERT_THAT(given, IsOk());
  range = ResolveRange(*given, now);
  ASSERT_THAT(range, IsOk());
  EXPECT_EQ(range->to_ms - range->from_ms, kDay);
  EXPECT_EQ(ToProto(*range).SerializeAsString(), given->SerializeAsString());

  const auto message = [&](const std::optional<std::string>& from, const std::optional<std::string>& to) {
    const auto parsed = ParseRange(from, to);
    const Status status = parsed.ok() ? ResolveRange(*parsed, now).status() : parsed.status();
    EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument));
    return Message(status);
  };
  EXPECT_THAT(message("yesterday", {}), HasSubstr("from: must be a time"));
  EXPECT_THAT(message({}, "1"), HasSubstr("to: must be a time"));
  EXPECT_EQ(message("2026-11-02T00:00:00Z", "2026-11-02T00:00:00Z"), "from: must be before `to`");
  EXPECT_EQ(message("2025-10-01T00:00:00Z", "2026-11-20T00:00:00Z"), "from: at most 400 days before `to`");
  analytics::v1::TimeRange far;
  far.mutable_from()->set_seconds(-5);
  EXPECT_THAT(Message(ResolveRange(far, now).status()), HasSubstr("from: must be a time"));
  far.mutable_from()->set_seconds(INT64_MAX);
  EXPECT_THAT(Message(ResolveRange(far, now).status()), HasSubstr("from: must be a time"));
}

TEST(AnalyticsRangeTest, BucketsFollowTheRange) {
  EXPECT_EQ(SeriesSeconds({0, 6 * 3600'000}), 60);
  EXPECT_EQ(SeriesSeconds({0, 6 * 3600'000 + 1}), 3600);
  EXPECT_EQ(SeriesSeconds({0, 14 * kDay}), 3600);
  EXPECT_EQ(SeriesSeconds({0, 14 * kDay + 1}), 86400);
}

TEST(AnalyticsRangeTest, RetentionHasASegmentPerBucketAndNeverTooMany) {
  const auto grid = [](double segment, double duration, int64_t furthest) {
    const RetentionGrid made = MakeRetentionGrid(segment, duration, furthest);
    return std::pair(made.bucket_ms, made.buckets);
  };
  EXPECT_EQ(grid(4, 12, 0), std::pair(int64_t{4000}, int64_t{3}));
  EXPECT_EQ(grid(4, 12.5, 0), std::pair(int64_t{4000}, int64_t{4}));
  EXPECT_EQ(grid(0, 12, 0), std::pair(int64_t{5000}, int64_t{3})) << "unknown length of segments";
  EXPECT_EQ(grid(4, 0, 9000), std::pair(int64_t{4000}, int64_t{3})) << "unknown length: as far as anyone came";
  EXPECT_EQ(grid(4, 0, 0), std::pair(int64_t{4000}, int64_t{0}));
  EXPECT_EQ(grid(4, 2000, 0), std::pair(int64_t{4000}, int64_t{500}));
  EXPECT_EQ(grid(4, 2004, 0), std::pair(int64_t{8000}, int64_t{251}));
  EXPECT_LE(grid(4, 7 * 86400, 0).second, kMaxRetentionBuckets);
}

}  // namespace
}  // namespace vora::metadata
