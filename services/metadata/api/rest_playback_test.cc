// POST /v1/videos/{id}/playback-tokens over HTTP against the whole daemon.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "libs/testing/status_matchers.h"
#include "services/metadata/harness_test.h"

namespace vora::metadata {
namespace {

using Json = nlohmann::json;
using ::testing::HasSubstr;

std::string NewVideo(TestApp& app) {
  EXPECT_THAT(app.Announce(FinishedUpload("u1")), IsOk());
  return Json::parse(app.Call("GET", "/v1/videos").body)["videos"][0]["video_id"].get<std::string>();
}

AppOptions WithTokens(const auth::PlaybackTokens& tokens) {
  AppOptions options;
  options.playback_tokens = tokens;
  return options;
}

TEST(RestPlaybackTest, SignsWhatTheGatewayAccepts) {
  const auth::PlaybackTokens tokens(
      std::vector<auth::PlaybackKey>{{"k1", "a secret of enough bytes"}, {"k2", "another secret of enough bytes"}});
  TestApp app(WithTokens(tokens));
  const std::string id = NewVideo(app), path = "/v1/videos/" + id + "/playback-tokens";
  EXPECT_EQ(Json::parse(app.Call("GET", "/v1/config").body)["playback_tokens"], true);
  const auto now = std::chrono::system_clock::now();
  const auto answer = app.Call("POST", path, R"({"ttl_seconds":60})");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.headers.GetOr("Cache-Control", ""), "no-store");
  const Json minted = Json::parse(answer.body);
  const std::string token = minted["token"];
  EXPECT_THAT(tokens.Verify(token, id, "play", now + std::chrono::seconds(50)), IsOk());
  EXPECT_THAT(tokens.Verify(token, id, "play", now + std::chrono::seconds(70)), ::testing::Not(IsOk()));
  EXPECT_EQ(minted["base_url"], "http://edge/t/" + token + "/v/" + id + "/");
  EXPECT_EQ(minted["url"], "http://edge/t/" + token + "/v/" + id + "/master.m3u8");
  EXPECT_THAT(minted["expires_at"].get<std::string>(), ::testing::MatchesRegex("20..-..-..T..:..:..Z"));
  const Json hour = Json::parse(app.Call("POST", path).body);
  EXPECT_THAT(tokens.Verify(hour["token"].get<std::string>(), id, "play", now + std::chrono::minutes(59)), IsOk());
}

TEST(RestPlaybackTest, NamesWhatIsWrong) {
  TestApp app(WithTokens(auth::PlaybackTokens(std::vector<auth::PlaybackKey>{{"k1", "a secret of enough bytes"}})));
  const std::string path = "/v1/videos/" + NewVideo(app) + "/playback-tokens";
  for (const char* body : {R"({"ttl_seconds":0})", R"({"ttl_seconds":86401})", R"({"ttl_seconds":"60"})", R"({"ttl_seconds":1.5})"}) {
    const auto refused = app.Call("POST", path, body);
    EXPECT_EQ(refused.status, 400) << body;
    EXPECT_THAT(refused.body, HasSubstr("ttl_seconds: must be a number from 1 to 86400")) << body;
  }
  EXPECT_THAT(app.Call("POST", path, R"({"scope":"all"})").body, HasSubstr("scope: unknown field"));
  EXPECT_EQ(app.Call("POST", path, "[]").status, 400);
  EXPECT_EQ(app.Call("POST", "/v1/videos/019a0000000070008000000000000009/playback-tokens").status, 404);
}

TEST(RestPlaybackTest, WithTokensOffTheAddressNeedsNone) {
  TestApp app({});
  const std::string id = NewVideo(app);
  EXPECT_EQ(Json::parse(app.Call("GET", "/v1/config").body)["playback_tokens"], false);
  const Json open = Json::parse(app.Call("POST", "/v1/videos/" + id + "/playback-tokens").body);
  EXPECT_TRUE(open["token"].is_null());
  EXPECT_TRUE(open["expires_at"].is_null());
  EXPECT_EQ(open["url"], "http://edge/v/" + id + "/master.m3u8");
}

}  // namespace
}  // namespace vora::metadata
