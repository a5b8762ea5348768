// Analytics over HTTP and gRPC through the whole daemon: what is refused, and what happens while ClickHouse is away.

#include <atomic>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "libs/core/clock.h"
#include "libs/http/client/client.h"
#include "libs/rpc/client.h"
#include "libs/rpc/status.h"
#include "libs/testing/status_matchers.h"
#include "services/metadata/analytics/analytics_fixture_test.h"
#include "services/metadata/harness_test.h"
#include "vora/analytics/v1/queries.grpc.pb.h"

namespace vora::metadata {
namespace {

using Json = nlohmann::json;
using clickhouse::TestEngine;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using ::testing::HasSubstr;

void ExpectError(const TestApp::Answer& answer, int status, const std::string& field, const std::string& part) {
  EXPECT_EQ(answer.status, status) << answer.body;
  const Json json = Json::parse(answer.body, nullptr, false);
  ASSERT_TRUE(json.contains("error")) << answer.body;
  EXPECT_EQ(json["error"].value("field", ""), field) << answer.body;
  EXPECT_THAT(json["error"]["message"].get<std::string>(), HasSubstr(part));
}

int64_t NowMs() { return ToUnixMs(Clock::Real().Now()); }

// The daemon over a ClickHouse of its own with one video that was just watched.
class AnalyticsRestTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = clickhouse::Missing(TestEngine::kDebian); !missing.empty()) GTEST_SKIP() << missing;
    store_ = std::make_unique<AnalyticsStore>(TestEngine::kDebian);
    store_->Migrate();
    AppOptions options;
    options.clickhouse = store_->options();
    options.clickhouse.timeout = milliseconds(1500);
    options.analytics = "127.0.0.1:1";
    options.sse_heartbeat = milliseconds(100);
    app_ = std::make_unique<TestApp>(options);
    ASSERT_THAT(app_->Announce(FinishedUpload("u1")), IsOk());
    video_ = Json::parse(app_->Call("GET", "/v1/videos").body)["videos"][0]["video_id"];
    TestSession session(video_, "s1", NowMs() - 25'000);
    session.Play(400).Watch(8000, "720p", 2'800'000).Stall(1500).Watch(8000, "720p", 2'800'000);
    store_->Insert(session.events());
  }
  void TearDown() override {
    app_.reset();
    if (store_) store_->server().Start();
  }
  TestApp::Answer Get(const std::string& path) { return app_->Call("GET", path); }
  milliseconds Took(const std::string& path, int status) {
    const auto begin = steady_clock::now();
    EXPECT_EQ(Get(path).status, status) << path;
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() - begin);
  }

  std::unique_ptr<AnalyticsStore> store_;
  std::unique_ptr<TestApp> app_;
  std::string video_;
};

TEST_F(AnalyticsRestTest, AnswersInTheFormOfTheProto) {
  const auto answer = Get("/v1/videos/" + video_ + "/analytics");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.headers.GetOr("Cache-Control", ""), "no-store");
  const Json video = Json::parse(answer.body);
  EXPECT_EQ(video["totals"]["views"], 1);
  EXPECT_EQ(video["totals"]["watch_seconds"], 16.0);
  EXPECT_EQ(video["totals"]["stalls"], 1);
  EXPECT_EQ(video["totals"]["viewers_now"], 1);
  EXPECT_EQ(video["series_seconds"], 3600) << "seven days when nothing is said";
  EXPECT_EQ(video["bitrates"][0]["rendition"], "720p");
  const Json all = Json::parse(Get("/v1/analytics?top=5").body);
  EXPECT_EQ(all["videos"][0]["video_id"], video_);
  EXPECT_EQ(all["videos"][0]["title"], "holiday");
  const Json sessions = Json::parse(Get("/v1/videos/" + video_ + "/sessions?page_size=1").body);
  EXPECT_EQ(sessions["sessions"][0]["session_id"], "s1");
  EXPECT_EQ(sessions["next_page_token"], "");
  const Json session = Json::parse(Get("/v1/sessions/s1?video_id=" + video_).body);
  EXPECT_EQ(session["stalls"][0]["cause"], "UNSPECIFIED");
  EXPECT_EQ(session["events"].size(), 4u);

  EXPECT_EQ(app_->Call("DELETE", "/v1/videos/" + video_).status, 204);
  ExpectError(Get("/v1/videos/" + video_ + "/analytics"), 404, "", "no video");
  EXPECT_EQ(Json::parse(Get("/v1/analytics").body)["videos"][0]["title"], "") << "deleted, but it was watched";
}

TEST_F(AnalyticsRestTest, BadRequestsNameFieldAndLimit) {
  const std::string path = "/v1/videos/" + video_;
  ExpectError(Get(path + "/analytics?from=yesterday"), 400, "from", "RFC 3339");
  ExpectError(Get(path + "/analytics?to=2026-11-20"), 400, "to", "RFC 3339");
  ExpectError(Get(path + "/analytics?from=2026-11-20T00:00:00Z&to=2026-11-19T00:00:00Z"), 400, "from", "before `to`");
  ExpectError(Get("/v1/analytics?from=2020-11-20T00:00:00Z&to=2026-11-19T00:00:00Z"), 400, "from", "400 days");
  ExpectError(Get(path + "/analytics?since=1"), 400, "since", "unknown query parameter; known are from, to");
  for (const char* top : {"0", "101", "-1", "x", ""}) ExpectError(Get(std::string("/v1/analytics?top=") + top), 400, "top", "1 to 100");
  for (const char* size : {"0", "201", "x"}) {
    ExpectError(Get(path + "/sessions?page_size=" + size), 400, "page_size", "1 to 200");
  }
  ExpectError(Get(path + "/sessions?page_token=x"), 400, "page_token", "next_page_token");
  ExpectError(Get("/v1/sessions/a%20b"), 400, "session_id", "1 to 64");
  ExpectError(Get("/v1/sessions/s1?video_id=a%27b"), 400, "video_id", "1 to 64");
  ExpectError(Get("/v1/sessions/nobody"), 404, "", "no session nobody");
  ExpectError(Get("/v1/videos/00000000000000000000000000000000/analytics"), 404, "", "no video");
  ExpectError(Get("/v1/videos/x/sessions"), 404, "", "no video with this id");
  ExpectError(Get("/v1/analytics/events?x=1"), 400, "x", "unknown query parameter");
  ExpectError(app_->Call("DELETE", "/v1/viewers/" + std::string(65, 'v')), 400, "viewer_id", "1 to 64");
  ExpectError(app_->Call("DELETE", "/v1/viewers/someone"), 503, "", "analytics daemon");
}

TEST_F(AnalyticsRestTest, OverGrpcTheSame) {
  const auto stub = analytics::v1::AnalyticsQueries::NewStub(app_->channel());
  const auto call = [&](auto method, const auto& request, auto* response) {
    grpc::ClientContext context;
    rpc::Prepare(context, std::chrono::seconds(10));
    return rpc::FromGrpc(((*stub).*method)(&context, request, response));
  };
  using Stub = analytics::v1::AnalyticsQueries::Stub;
  analytics::v1::GetVideoAnalyticsRequest request;
  request.set_video_id(video_);
  analytics::v1::VideoAnalytics video;
  ASSERT_THAT(call(&Stub::GetVideoAnalytics, request, &video), IsOk());
  EXPECT_EQ(video.totals().views(), 1);
  request.set_video_id("nothing");
  EXPECT_THAT(call(&Stub::GetVideoAnalytics, request, &video), StatusIs(StatusCode::kNotFound));
  analytics::v1::ListSessionsRequest list;
  list.set_video_id(video_);
  list.set_page_size(201);
  analytics::v1::ListSessionsResponse sessions;
  EXPECT_THAT(call(&Stub::ListSessions, list, &sessions), StatusIs(StatusCode::kInvalidArgument));
  analytics::v1::GetCatalogAnalyticsRequest catalog;
  catalog.set_top(-1);
  analytics::v1::CatalogAnalytics all;
  EXPECT_THAT(call(&Stub::GetCatalogAnalytics, catalog, &all), StatusIs(StatusCode::kInvalidArgument));
  analytics::v1::EraseViewerDataRequest erase;
  analytics::v1::EraseViewerDataResponse erased;
  EXPECT_THAT(call(&Stub::EraseViewerData, erase, &erased), StatusIs(StatusCode::kInvalidArgument));
  erase.set_viewer_id("someone");
  EXPECT_THAT(call(&Stub::EraseViewerData, erase, &erased), StatusIs(StatusCode::kUnavailable));
}

TEST_F(AnalyticsRestTest, ClickHouseThatHangsHoldsUpNobodyElse) {
  const std::string path = "/v1/videos/" + video_;
  store_->server().Suspend();
  std::atomic<int> refused{0}, left{24};
  std::vector<std::thread> crowd;
  for (int i = 0; i < 24; ++i) {
    crowd.emplace_back([&] {
      if (Get(path + "/analytics").status == 503) ++refused;
      --left;
    });
  }
  // All the while, everything else is as quick as ever.
  while (left > 0) {
    EXPECT_LT(Took(path, 200), milliseconds(1000));
    EXPECT_LT(Took("/v1/videos", 200), milliseconds(1000));
  }
  for (std::thread& one : crowd) one.join();
  EXPECT_EQ(refused, 24);
  ExpectError(Get("/v1/analytics"), 503, "",
              "analytics are not available right now: ClickHouse did not answer within 1.5 s; playback and collecting go on");
  EXPECT_THAT(app_->Ready(), IsOk()) << "readiness does not depend on it";
  store_->server().Resume();
  EXPECT_TRUE(Eventually([&] { return Get(path + "/analytics").status == 200; }));
  EXPECT_EQ(Json::parse(Get(path + "/analytics").body)["totals"]["events"], 4);
}

TEST_F(AnalyticsRestTest, ClickHouseAwayIs503AndComesBackByItself) {
  const std::string path = "/v1/videos/" + video_ + "/analytics";
  Json before;
  const auto answers = [&](Json* body) {
    const auto answer = Get(path);
    if (answer.status == 200) *body = Json::parse(answer.body);
    return answer.status == 200;
  };
  // A query has a time limit, which a busy machine may exceed once.
  ASSERT_TRUE(Eventually([&] { return answers(&before); }));
  store_->server().Kill();
  const auto away = Get(path);
  ExpectError(away, 503, "", "analytics are not available right now: ClickHouse cannot be reached; playback and collecting go on");
  EXPECT_TRUE(away.headers.Has("Retry-After"));
  EXPECT_EQ(Get("/v1/videos/" + video_).status, 200);
  EXPECT_THAT(app_->Ready(), IsOk());
  store_->server().Start();
  Json after;
  ASSERT_TRUE(Eventually([&] { return answers(&after); }));
  EXPECT_EQ(after["totals"]["watch_seconds"], before["totals"]["watch_seconds"]);
}

// An event stream read in the background.
class LiveStream {
 public:
  explicit LiveStream(const std::string& url)
      : thread_([this, url] {
          http::ClientRequest request;
          request.url = url;
          request.timeout = milliseconds(0);
          request.on_data = [this](std::string_view bytes) {
            const std::lock_guard lock(mutex_);
            text_ += bytes;
            return !closed_;
          };
          request.cancelled = [this] { return closed_.load(); };
          http::Client client;
          (void)client.Do(request);
          ended_ = true;
        }) {}
  ~LiveStream() { Close(); }
  void Close() {
    closed_ = true;
    if (thread_.joinable()) thread_.join();
  }
  size_t Count(const std::string& part) {
    const std::lock_guard lock(mutex_);
    size_t count = 0;
    for (size_t at = text_.find(part); at != std::string::npos; at = text_.find(part, at + 1)) ++count;
    return count;
  }
  bool Has(const std::string& part) {
    return Eventually([&] { return Count(part) > 0; });
  }
  bool Ended() {
    return Eventually([&] { return ended_.load(); });
  }

 private:
  std::mutex mutex_;
  std::string text_;
  std::atomic<bool> closed_{false}, ended_{false};
  std::thread thread_;
};

TEST_F(AnalyticsRestTest, LiveViewersAsServerSentEvents) {
  store_->Insert(TestSession(video_, "now", NowMs()).Play(1).events());
  LiveStream first(app_->url() + "/v1/analytics/events");
  const std::string video = R"("videos":[{"video_id":")" + video_ + R"(","viewers_now":)";
  ASSERT_TRUE(first.Has("data: {\"viewers_now\":2," + video + "2}]}\n\n") || first.Has("data: {\"viewers_now\":1," + video + "1}]}\n\n"));
  LiveStream second(app_->url() + "/v1/analytics/events");
  EXPECT_TRUE(second.Has("\"viewers_now\":")) << "what is known already comes at once";
  EXPECT_TRUE(first.Has(": heartbeat\n\n"));
  store_->Insert(TestSession("elsewhere", "other", NowMs()).Play(1).events());
  ASSERT_TRUE(first.Has("{\"video_id\":\"elsewhere\",\"viewers_now\":1}"));
  ASSERT_TRUE(second.Has("{\"video_id\":\"elsewhere\",\"viewers_now\":1}"));
  store_->server().Kill();
  ASSERT_TRUE(first.Has("event: unavailable\ndata: {\"message\":\"analytics are not available right now"));
  store_->server().Start();
  const size_t before = second.Count("data: {\"viewers_now\"");
  EXPECT_TRUE(Eventually([&] { return second.Count("data: {\"viewers_now\"") > before; })) << "goes on by itself";
  first.Close();
  app_.reset();
  EXPECT_TRUE(second.Ended()) << "the daemon's end ends the stream";
}

TEST(AnalyticsNotConfiguredTest, SaysSo) {
  AppOptions options;
  options.analytics = "";
  TestApp app(options);
  const std::string part = "analytics are not configured";
  for (const char* path : {"/v1/analytics", "/v1/sessions/s1", "/v1/analytics/events"}) ExpectError(app.Call("GET", path), 503, "", part);
  ASSERT_THAT(app.Announce(FinishedUpload("u1")), IsOk());
  const std::string video = Json::parse(app.Call("GET", "/v1/videos").body)["videos"][0]["video_id"];
  ExpectError(app.Call("GET", "/v1/videos/" + video + "/analytics"), 503, "", part);
  ExpectError(app.Call("GET", "/v1/videos/" + video + "/sessions"), 503, "", part);
  ExpectError(app.Call("DELETE", "/v1/viewers/someone"), 503, "", part);
}

}  // namespace
}  // namespace vora::metadata
