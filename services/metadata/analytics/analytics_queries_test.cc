// Every figure against a plain computation over the same events, in real ClickHouse servers.

#include "services/metadata/analytics/analytics_queries.h"

#include <cmath>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "services/metadata/analytics/analytics_fixture_test.h"
#include "services/metadata/analytics/analytics_plain_test.h"
#include "services/metadata/analytics/analytics_range.h"
#include "services/metadata/harness_test.h"

namespace vora::metadata {
namespace {

namespace an = analytics::v1;
using clickhouse::TestEngine;
constexpr int64_t kMidnight = 1'795'132'800'000;  // 2026-11-20T00:00:00Z
constexpr int64_t kHour = 3600'000;

void ExpectTotals(const an::Totals& totals, const Sessions& views, double duration_seconds) {
  std::set<std::string> viewers;
  std::vector<int64_t> startups;
  int64_t watch = 0, stall = 0, stalls = 0, failed = 0, complete = 0, events = 0, lost = 0;
  for (const auto& [id, view] : views) {
    viewers.insert(view.viewer.empty() ? "/" + id : view.viewer);
    if (view.startup > 0) startups.push_back(view.startup);
    watch += view.Sum("watch_time");
    stall += view.Sum("stall");
    stalls += view.Count("stall");
    failed += view.errors.empty() ? 0 : 1;
    complete += duration_seconds > 0 && static_cast<double>(view.furthest) >= duration_seconds * 950 ? 1 : 0;
    events += static_cast<int64_t>(view.sequences.size());
    lost += view.lost();
  }
  const auto count = static_cast<double>(views.size());
  EXPECT_EQ(totals.views(), static_cast<int64_t>(views.size()));
  EXPECT_EQ(totals.unique_viewers(), static_cast<int64_t>(viewers.size()));
  EXPECT_DOUBLE_EQ(totals.watch_seconds(), static_cast<double>(watch) / 1000);
  EXPECT_NEAR(totals.average_watch_seconds(), static_cast<double>(watch) / 1000 / count, 1e-9);
  EXPECT_DOUBLE_EQ(totals.median_startup_seconds(), Quantile(startups, 0.5));
  EXPECT_DOUBLE_EQ(totals.p95_startup_seconds(), Quantile(startups, 0.95));
  EXPECT_EQ(totals.stalls(), stalls);
  EXPECT_DOUBLE_EQ(totals.stall_seconds(), static_cast<double>(stall) / 1000);
  EXPECT_NEAR(totals.rebuffer_ratio(), static_cast<double>(stall) / static_cast<double>(stall + watch), 1e-9);
  EXPECT_EQ(totals.views_with_errors(), failed);
  EXPECT_NEAR(totals.completion_ratio(), static_cast<double>(complete) / count, 1e-9);
  EXPECT_EQ(totals.events(), events);
  EXPECT_EQ(totals.lost_events(), lost);
  EXPECT_GT(lost, 0) << "the audience has gaps";
  EXPECT_GT(stalls, 0);
}

void ExpectRetention(const an::VideoAnalytics& answer, const Sessions& views, double duration_seconds) {
  const auto bucket_ms = static_cast<int64_t>(std::llround(answer.bucket_seconds() * 1000));
  const auto buckets = static_cast<int>(std::ceil(duration_seconds / answer.bucket_seconds()));
  ASSERT_EQ(answer.retention_size(), buckets);
  std::vector<int64_t> exits(static_cast<size_t>(buckets));
  for (const auto& [id, view] : views) {
    if (view.exit() >= 0) ++exits[static_cast<size_t>(std::min<int64_t>(std::max<int64_t>(view.exit() - 1, 0) / bucket_ms, buckets - 1))];
  }
  for (int bucket = 0; bucket < buckets; ++bucket) {
    const int64_t low = bucket * bucket_ms, high = low + bucket_ms;
    int64_t viewers = 0;
    for (const auto& [id, view] : views) {
      bool watched = false;
      for (const auto& [sequence, event] : view.deltas) {
        const int64_t begin = std::max<int64_t>(0, event.position_ms - event.duration_ms);
        watched = watched || (event.type == "watch_time" && begin < high && event.position_ms > low && event.duration_ms > 0);
      }
      viewers += watched ? 1 : 0;
    }
    const an::RetentionPoint& point = answer.retention(bucket);
    EXPECT_DOUBLE_EQ(point.start_seconds(), static_cast<double>(low) / 1000);
    EXPECT_EQ(point.viewers(), viewers) << "bucket " << bucket;
    EXPECT_EQ(point.exits(), exits[static_cast<size_t>(bucket)]) << "bucket " << bucket;
    EXPECT_NEAR(point.ratio(), static_cast<double>(viewers) / static_cast<double>(views.size()), 1e-9);
  }
}

template <typename Shares>
void ExpectShares(const Shares& shares, const std::map<int64_t, int64_t>& watched, bool named) {
  static const std::map<int64_t, std::string> kNames = {{0, ""}, {800'000, "360p"}, {2'800'000, "720p"}, {5'200'000, "1080p"}};
  ASSERT_EQ(static_cast<size_t>(shares.size()), watched.size());
  int64_t all = 0;
  for (const auto& [bitrate, ms] : watched) all += ms;
  double before = HUGE_VAL;
  for (const an::BitrateShare& share : shares) {
    ASSERT_TRUE(watched.contains(share.bitrate())) << share.bitrate();
    EXPECT_DOUBLE_EQ(share.watch_seconds(), static_cast<double>(watched.at(share.bitrate())) / 1000);
    EXPECT_NEAR(share.ratio(), share.watch_seconds() * 1000 / static_cast<double>(all), 1e-9);
    EXPECT_EQ(share.rendition(), named ? kNames.at(share.bitrate()) : "");
    EXPECT_LE(share.watch_seconds(), before);
    before = share.watch_seconds();
  }
}

// `step`: what bitrates are rounded up to.
template <typename Answer>
void ExpectSeries(const Answer& answer, const Sessions& views, int64_t step) {
  struct Bucket {
    int64_t views = 0, watch = 0, stall = 0, known = 0;
    double weighted = 0;
    std::map<int64_t, int64_t> bitrates;
  };
  std::map<int64_t, Bucket> buckets;
  std::map<int64_t, int64_t> all;
  const auto bucket_of = [&](int64_t ms) { return ms / 1000 / answer.series_seconds() * answer.series_seconds(); };
  for (const auto& [id, view] : views) {
    ++buckets[bucket_of(view.begun)].views;
    for (const auto& [sequence, event] : view.deltas) {
      Bucket& bucket = buckets[bucket_of(event.server_ms)];
      (event.type == "stall" ? bucket.stall : bucket.watch) += event.duration_ms;
      if (event.type == "stall") continue;
      bucket.bitrates[(event.bitrate + step - 1) / step * step] += event.duration_ms;
      all[(event.bitrate + step - 1) / step * step] += event.duration_ms;
      if (event.bitrate == 0) continue;
      bucket.known += event.duration_ms;
      bucket.weighted += static_cast<double>(event.duration_ms) * static_cast<double>(event.bitrate);
    }
  }
  ExpectShares(answer.bitrates(), all, step == 1);
  ASSERT_EQ(static_cast<size_t>(answer.series_size()), buckets.size());
  auto expected = buckets.begin();
  for (const an::TimePoint& point : answer.series()) {
    EXPECT_EQ(point.time().seconds(), expected->first);
    EXPECT_EQ(point.views(), expected->second.views);
    EXPECT_DOUBLE_EQ(point.watch_seconds(), static_cast<double>(expected->second.watch) / 1000);
    EXPECT_DOUBLE_EQ(point.stall_seconds(), static_cast<double>(expected->second.stall) / 1000);
    const double known = static_cast<double>(expected->second.known);
    EXPECT_NEAR(point.average_bitrate(), known > 0 ? expected->second.weighted / known : 0, 1);
    ExpectShares(point.bitrates(), expected->second.bitrates, step == 1);
    ++expected;
  }
}

class AnalyticsQueriesTest : public testing::TestWithParam<TestEngine> {
 protected:
  void SetUp() override {
    if (const std::string missing = clickhouse::Missing(GetParam()); !missing.empty()) GTEST_SKIP() << missing;
    store_ = std::make_unique<AnalyticsStore>(GetParam());
    reader_ = std::make_unique<AnalyticsReader>(store_->options());
    queries_ = std::make_unique<AnalyticsQueries>(facts_, *reader_, Tenants::kOne, clock_);
  }
  std::string NewVideo(const std::string& name, double duration_seconds) {
    const auto created = repos_.videos.Create(SomeVideo(name));
    EXPECT_THAT(created, IsOk());
    const std::string id = created->video.video_id();
    EXPECT_THAT(repos_.store.Transact([&](pqxx::work& tx) -> Status {
      tx.exec_params("UPDATE videos SET duration_seconds = $2 WHERE video_id = $1", id, duration_seconds);
      return absl::OkStatus();
    }),
                IsOk());
    return id;
  }
  template <typename Request>
  static Request Of(const std::string& video_id, const AnalyticsRange& range) {
    Request request;
    request.set_video_id(video_id);
    *request.mutable_range() = ToProto(range);
    return request;
  }
  an::VideoAnalytics Video(const std::string& video_id, const AnalyticsRange& range) {
    auto answer = queries_->Video("default", Of<an::GetVideoAnalyticsRequest>(video_id, range));
    EXPECT_THAT(answer, IsOk());
    return answer.value_or(an::VideoAnalytics());
  }
  an::CatalogAnalytics Catalog(const AnalyticsRange& range, int top = 0) {
    an::GetCatalogAnalyticsRequest request;
    *request.mutable_range() = ToProto(range);
    request.set_top(top);
    auto answer = queries_->Catalog("default", request);
    EXPECT_THAT(answer, IsOk());
    return answer.value_or(an::CatalogAnalytics());
  }

  Repos repos_;
  VideoFactsRepo facts_{repos_.store};
  FakeClock clock_{SystemTime(std::chrono::milliseconds(kMidnight + 30 * kHour))};
  std::unique_ptr<AnalyticsStore> store_;
  std::unique_ptr<AnalyticsReader> reader_;
  std::unique_ptr<AnalyticsQueries> queries_;
};

TEST_P(AnalyticsQueriesTest, EveryFigureOfAnAudience) {
  const std::vector<std::string> videos = {NewVideo("one", 120), NewVideo("two", 61.3)};
  store_->Migrate();
  auto rows = MakeAudience(videos, 300, kMidnight - 24 * kHour, 7);
  auto others = MakeAudience(videos, 20, kMidnight - 24 * kHour, 8);
  for (TestEvent& row : others) row.tenant = "other";
  rows.insert(rows.end(), others.begin(), others.end());
  const auto middle = rows.begin() + static_cast<int64_t>(rows.size() / 2);
  store_->Insert({rows.begin(), middle});
  store_->Insert({middle, rows.end()});
  store_->Insert({rows.begin(), middle});  // a batch a second time
  const std::vector<AnalyticsRange> ranges = {{kMidnight - 48 * kHour, kMidnight + 48 * kHour},
                                              {kMidnight - 2 * kHour, kMidnight + 3 * kHour},
                                              {kMidnight - 20 * 24 * kHour, kMidnight}};
  for (const AnalyticsRange& range : ranges) {
    SCOPED_TRACE(range.to_ms - range.from_ms);
    for (size_t i = 0; i < videos.size(); ++i) {
      const double duration = i == 0 ? 120 : 61.3;
      const an::VideoAnalytics answer = Video(videos[i], range);
      const Sessions views = Views(PutTogether(rows, videos[i], range));
      ASSERT_GT(views.size(), 5u);
      ExpectTotals(answer.totals(), views, duration);
      ExpectRetention(answer, views, duration);
      ExpectSeries(answer, views, 1);
    }
    const an::CatalogAnalytics all = Catalog(range);
    const Sessions views = Views(PutTogether(rows, "", range));
    ExpectTotals(all.totals(), views, 0);
    ExpectSeries(all, views, kCatalogBitrateStep);
    ASSERT_EQ(all.videos_size(), 2);
    for (const an::VideoShare& share : all.videos()) {
      const Sessions own = Views(PutTogether(rows, share.video_id(), range));
      int64_t watch = 0;
      for (const auto& [id, view] : own) watch += view.Sum("watch_time");
      EXPECT_EQ(share.views(), static_cast<int64_t>(own.size()));
      EXPECT_DOUBLE_EQ(share.watch_seconds(), static_cast<double>(watch) / 1000);
      EXPECT_EQ(share.title(), share.video_id() == videos[0] ? "Title of one" : "Title of two");
    }
    EXPECT_GE(all.videos(0).watch_seconds(), all.videos(1).watch_seconds());
  }
  EXPECT_EQ(Catalog(ranges[0], 1).videos_size(), 1);
}

TEST_P(AnalyticsQueriesTest, SessionsPageByPageNewestFirst) {
  const std::string video = NewVideo("one", 120);
  store_->Migrate();
  const auto rows = MakeAudience({video}, 60, kMidnight - 24 * kHour, 3);
  store_->Insert(rows);
  store_->Insert(rows);
  const AnalyticsRange range{kMidnight - 24 * kHour, kMidnight + 24 * kHour};
  const Sessions expected = PutTogether(rows, video, range);
  auto request = Of<an::ListSessionsRequest>(video, range);
  request.set_page_size(7);
  std::set<std::string> seen;
  int64_t before = INT64_MAX;
  do {
    const auto page = queries_->Sessions("default", request);
    ASSERT_THAT(page, IsOk());
    for (const an::Session& session : page->sessions()) {
      ASSERT_TRUE(expected.contains(session.session_id()));
      EXPECT_TRUE(seen.insert(session.session_id()).second);
      const Plain& plain = expected.at(session.session_id());
      EXPECT_EQ(ToTimestamp(plain.begun).SerializeAsString(), session.started_at().SerializeAsString());
      EXPECT_EQ(ToTimestamp(plain.heard).SerializeAsString(), session.last_seen_at().SerializeAsString());
      EXPECT_LE(plain.begun, before);
      before = plain.begun;
      EXPECT_DOUBLE_EQ(session.watch_seconds(), static_cast<double>(plain.Sum("watch_time")) / 1000);
      EXPECT_DOUBLE_EQ(session.stall_seconds(), static_cast<double>(plain.Sum("stall")) / 1000);
      EXPECT_DOUBLE_EQ(session.startup_seconds(), static_cast<double>(plain.startup) / 1000);
      EXPECT_DOUBLE_EQ(session.exit_seconds(), static_cast<double>(plain.furthest) / 1000);
      EXPECT_EQ(session.stalls(), plain.Count("stall"));
      EXPECT_EQ(session.errors(), static_cast<int64_t>(plain.errors.size()));
      EXPECT_EQ(session.events(), static_cast<int64_t>(plain.sequences.size()));
      EXPECT_EQ(session.lost_events(), plain.lost());
      EXPECT_EQ(session.ended(), plain.ended);
      EXPECT_EQ(std::set<std::string>(session.renditions().begin(), session.renditions().end()), plain.renditions);
    }
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  EXPECT_EQ(seen.size(), expected.size());
}

TEST_P(AnalyticsQueriesTest, AViewOverMidnightIsOneView) {
  const std::string video = NewVideo("one", 60);
  store_->Migrate();
  TestSession session(video, "night", kMidnight - 12'000);
  session.Play(1000).Watch(10'000, "720p", 2'800'000).Watch(10'000, "720p", 2'800'000).Lose().Watch(10'000, "720p", 2'800'000).End();
  store_->Insert(session.events());
  const an::VideoAnalytics before = Video(video, {kMidnight - kHour, kMidnight});
  EXPECT_EQ(before.totals().views(), 1);
  EXPECT_DOUBLE_EQ(before.totals().watch_seconds(), 30) << "the whole view belongs to where it began";
  EXPECT_EQ(before.totals().lost_events(), 1);
  EXPECT_EQ(Video(video, {kMidnight, kMidnight + kHour}).totals().views(), 0);
  EXPECT_EQ(Video(video, {kMidnight, kMidnight + kHour}).retention_size(), 0);
}

TEST_P(AnalyticsQueriesTest, ViewersNowAreThoseOfTheLastHalfMinute) {
  const std::string video = NewVideo("one", 60);
  store_->Migrate();
  const int64_t now = kMidnight + 5'000;
  clock_.Advance(std::chrono::milliseconds(now - (kMidnight + 30 * kHour)));
  store_->Insert(TestSession(video, "over", now - 60'000).Play(500).events());
  store_->Insert(TestSession(video, "yesterday", now - 20'000).Play(500).Wait(5000).Play(0).events());
  store_->Insert(TestSession(video, "today", now - 4'000).Play(500).events());
  store_->Insert(TestSession("other-video", "elsewhere", now - 3'000).Play(500).events());
  EXPECT_EQ(Video(video, {kMidnight - kHour, kMidnight - 1}).totals().viewers_now(), 2) << "whatever the range";
  const an::CatalogAnalytics all = Catalog({kMidnight - kHour, kMidnight + kHour});
  EXPECT_EQ(all.totals().viewers_now(), 3);
  ASSERT_EQ(all.videos_size(), 2);
  for (const an::VideoShare& share : all.videos()) {
    EXPECT_EQ(share.viewers_now(), share.video_id() == video ? 2 : 1);
    EXPECT_EQ(share.title(), share.video_id() == video ? "Title of one" : "") << "one that is not there (any more) has no title";
  }
}

TEST_P(AnalyticsQueriesTest, ASessionTellsWhyItStoodStill) {
  const std::string video = NewVideo("one", 60);
  store_->Migrate();
  TestSession session(video, "s1", kMidnight + kHour);
  session.Play(300).Watch(8000, "720p", 2'800'000).Stall(4000).Watch(4000, "720p", 2'800'000).End();
  std::vector<TestEvent> rows = session.events();
  TestEvent delivery;
  delivery.video_id = video;
  delivery.session_id = "s1";
  delivery.event.server_ms = rows[2].event.server_ms - 4300;
  delivery.event.sequence = -77;
  delivery.event.type = "delivery";
  delivery.event.duration_ms = 4200;
  delivery.event.rendition = "720p";
  delivery.event.segment_index = 3;
  delivery.event.cache = "miss";
  delivery.event.origin_ms = 4100;
  delivery.event.status = 200;
  delivery.event.object = "720p/seg_3.m4s";
  rows.push_back(delivery);
  store_->Insert(rows);
  store_->Insert(rows);
  an::GetSessionRequest request;
  request.set_session_id("s1");
  for (const std::string& of : {std::string(), video}) {
    request.set_video_id(of);
    const auto detail = queries_->Session("default", request);
    ASSERT_THAT(detail, IsOk());
    EXPECT_EQ(detail->session().video_id(), video);
    EXPECT_EQ(detail->session().events(), 5);
    EXPECT_EQ(detail->events_size(), 6) << "each once";
    EXPECT_FALSE(detail->more_events());
    ASSERT_EQ(detail->stalls_size(), 1);
    EXPECT_EQ(detail->stalls(0).cause(), an::STALL_CAUSE_ORIGIN);
    EXPECT_EQ(detail->stalls(0).reason(), "720p/seg_3.m4s took 4.2 s, of which the object store 4.1 s");
  }
  request.set_session_id("s2");
  EXPECT_THAT(queries_->Session("default", request), StatusIs(StatusCode::kNotFound));
}

TEST_P(AnalyticsQueriesTest, WithoutTablesNobodyHasWatched) {
  const std::string video = NewVideo("one", 60);
  const an::VideoAnalytics answer = Video(video, {kMidnight - kHour, kMidnight});
  EXPECT_EQ(answer.totals().views(), 0);
  EXPECT_EQ(Catalog({kMidnight - kHour, kMidnight}).videos_size(), 0);
  const auto sessions = queries_->Sessions("default", Of<an::ListSessionsRequest>(video, {kMidnight - kHour, kMidnight}));
  ASSERT_THAT(sessions, IsOk());
  EXPECT_EQ(sessions->sessions_size(), 0);
}

INSTANTIATE_TEST_SUITE_P(Engines, AnalyticsQueriesTest, testing::Values(TestEngine::kDebian, TestEngine::kCurrent),
                         [](const auto& info) { return info.param == TestEngine::kDebian ? "Debian" : "Current"; });

}  // namespace
}  // namespace vora::metadata
