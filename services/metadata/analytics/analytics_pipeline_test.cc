// From a player's post to a person's numbers, and out of them again: the real ingest daemon and ClickHouse between them.

#include <filesystem>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"
#include "services/metadata/analytics/analytics_fixture_test.h"
#include "services/metadata/analytics/viewer_erasure.h"
#include "services/metadata/harness_test.h"

namespace vora::metadata {
namespace {

using Json = nlohmann::json;
using clickhouse::TestEngine;

class AnalyticsPipelineTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string missing = clickhouse::Missing(TestEngine::kDebian); !missing.empty()) GTEST_SKIP() << missing;
    store_ = std::make_unique<AnalyticsStore>(TestEngine::kDebian);
    const clickhouse::Options& options = store_->options();
    ingest_ = std::make_unique<DaemonProcess>(VORA_INGEST_BINARY,
                                              std::map<std::string, std::string>{{"VORA_AUTH", "none"},
                                                                                 {"VORA_HTTP_LISTEN", "127.0.0.1:" + std::to_string(port_)},
                                                                                 {"VORA_SPOOL_DIR", spool_.string()},
                                                                                 {"VORA_BATCH_INTERVAL", "100ms"},
                                                                                 {"VORA_CLICKHOUSE_URL", options.url},
                                                                                 {"VORA_CLICKHOUSE_USER", options.user},
                                                                                 {"VORA_CLICKHOUSE_PASSWORD", options.password},
                                                                                 {"VORA_CLICKHOUSE_DATABASE", options.database}});
    ingest_->Start();
    ASSERT_TRUE(ingest_->WaitReady());
    AppOptions app;
    app.clickhouse = options;
    app.analytics = ingest_->grpc();
    app_ = std::make_unique<TestApp>(app);
    ASSERT_THAT(app_->Announce(FinishedUpload("u1")), IsOk());
    video_ = Json::parse(app_->Call("GET", "/v1/videos").body)["videos"][0]["video_id"];
  }
  void TearDown() override {
    app_.reset();
    ingest_.reset();
    if (store_) store_->server().Start();
  }
  Json Event(const std::string& session, int sequence, const std::string& type, double seconds) const {
    return {{"video_id", video_},          {"session_id", session},       {"sequence", sequence},         {"type", type},
            {"position_seconds", seconds}, {"duration_seconds", seconds}, {"viewer_id", "of-" + session}, {"rendition", "720p"},
            {"bitrate", 2'800'000}};
  }
  int Post(const std::vector<Json>& events) const {
    http::ClientRequest request;
    request.method = "POST";
    request.url = "http://127.0.0.1:" + std::to_string(port_) + "/e";
    request.headers.Set("Content-Type", "application/json");
    request.body = Json(events).dump();
    const auto answer = http::Client().Do(request);
    return answer.ok() ? answer->status : 0;
  }
  Json Totals() { return Json::parse(app_->Call("GET", "/v1/videos/" + video_ + "/analytics").body).value("totals", Json::object()); }

  const TempFolder temp_;
  const std::filesystem::path spool_ = temp_ / "spool";
  const int port_ = FreePort();
  std::unique_ptr<AnalyticsStore> store_;
  std::unique_ptr<DaemonProcess> ingest_;
  std::unique_ptr<TestApp> app_;
  std::string video_;
};

TEST_F(AnalyticsPipelineTest, WhatWasWatchedIsSeenAndCanBeErased) {
  const std::vector<Json> one = {Event("one", 0, "play", 0.5), Event("one", 1, "watch_time", 4), Event("one", 3, "ended", 4)};
  ASSERT_EQ(Post(one), 202);
  ASSERT_EQ(Post({Event("two", 0, "play", 0.5), Event("two", 1, "watch_time", 6)}), 202);
  ASSERT_EQ(Post(one), 202) << "a retry of what had arrived";
  ASSERT_TRUE(Eventually([&] { return Totals().value("events", 0) == 5; }));
  const Json totals = Totals();
  EXPECT_EQ(totals["views"], 2);
  EXPECT_EQ(totals["unique_viewers"], 2);
  EXPECT_EQ(totals["watch_seconds"], 10.0);
  EXPECT_EQ(totals["lost_events"], 1);
  EXPECT_EQ(totals["viewers_now"], 2);

  const auto erased = app_->Call("DELETE", "/v1/viewers/of-one");
  ASSERT_EQ(erased.status, 200) << erased.body;
  EXPECT_EQ(Json::parse(erased.body)["sessions"], 1) << erased.body;
  EXPECT_EQ(Totals()["views"], 1);
  EXPECT_EQ(Totals()["watch_seconds"], 6.0);
  EXPECT_EQ(app_->Call("GET", "/v1/sessions/one").status, 404);
  EXPECT_EQ(Json::parse(app_->Call("DELETE", "/v1/viewers/of-one").body)["sessions"], 0) << "repeating it is no error";

  AnalyticsReader reader(store_->options());
  const Status other = ViewerErasure(ingest_->grpc(), reader).Erase("acme", "of-two").status();
  EXPECT_THAT(other, StatusIs(StatusCode::kFailedPrecondition)) << "players report under `default`, which acme's operators do not erase";
  EXPECT_EQ(Totals()["views"], 1);
}

TEST_F(AnalyticsPipelineTest, WhatCameWhileClickHouseWasAwayIsCountedExactlyAfterwards) {
  ASSERT_EQ(Post({Event("s0", 0, "play", 0.5)}), 202);
  ASSERT_TRUE(Eventually([&] { return Totals().value("views", 0) == 1; }));
  store_->server().Kill();
  for (int i = 1; i <= 20; ++i) ASSERT_EQ(Post({Event("s" + std::to_string(i), 0, "play", 0.5)}), 202) << "collecting goes on";
  EXPECT_EQ(app_->Call("GET", "/v1/analytics").status, 503);
  EXPECT_EQ(app_->Call("DELETE", "/v1/viewers/of-s0").status, 503) << "at once";
  store_->server().Start();
  ASSERT_TRUE(Eventually([&] { return Totals().value("views", 0) == 21; }, std::chrono::seconds(60)));
  EXPECT_EQ(Totals()["events"], 21);
}

}  // namespace
}  // namespace vora::metadata
