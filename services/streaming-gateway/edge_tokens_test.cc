// Playback tokens at the edge: checked once per token, objects shared by all who may have them, and by nobody else.

#include <gmock/gmock.h>

#include "services/streaming-gateway/edge_fixture_test.h"

namespace vora::gateway {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;

const auth::PlaybackKey kOld{"old", "a secret of enough bytes"}, kNew{"new", "another secret of enough bytes"};
const std::string kSegment = kBase + "720p/seg_0.m4s";

class EdgeTokensTest : public EdgeTest {
 protected:
  void SetUp() override {
    EdgeTest::SetUp();
    options_.tokens.emplace(std::vector<auth::PlaybackKey>{kOld});
    options_.edge.secrets = {"a secret of another edge", kEdgeSecret};
  }
  // Tokens of different lifetimes differ.
  std::string Mint(int seconds, const std::string& video = kVideo) {
    int64_t expires = 0;
    return gateway_->access().Mint(video, std::chrono::seconds(seconds), &expires).value();
  }
  http::ClientResponse ByPath(const std::string& token, const std::string& path = kSegment) { return Edge("/t/" + token + path); }
  int Verdicts() {
    int sum = 0;
    for (const char* status : {"204", "401", "403", "404"}) {
      const double value =
          Metric("vora_http_requests_total{method=\"GET\",route=\"/_token/{video_id}\",status=\"" + std::string(status) + "\"}");
      sum += static_cast<int>(value);
    }
    return sum;
  }
  // The gateway again on its port, with other options.
  void Restart() {
    StopOrigin();
    Start();
  }
};

TEST_F(EdgeTokensTest, ViewersWithDifferentTokensShareOneObject) {
  StartEdge();
  const std::string one = Mint(60), two = Mint(120);
  const auto first = ByPath(one);
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(Cache(first), "MISS");
  EXPECT_EQ(first.headers.GetOr("Cache-Control", ""), "private, max-age=31536000, immutable") << "not for caches of others";
  const auto query = Edge(kSegment + "?token=" + two);
  EXPECT_EQ(Cache(query), "HIT");
  EXPECT_TRUE(query.body == Pattern(500'000));
  EXPECT_EQ(Cache(Edge(kSegment + "?a=b&token=" + two + "&c=d")), "HIT");
  EXPECT_EQ(Cache(Edge(kSegment, With("Cookie", "a=b; vora_token=" + one + "; c=d"))), "HIT");
  EXPECT_EQ(Cache(ByPath(one)), "HIT");
  EXPECT_EQ(Metric("vora_gateway_cache_total{result=\"miss\"}"), 1);
  EXPECT_EQ(Verdicts(), 2) << "one per token";
}

TEST_F(EdgeTokensTest, NobodyElseGetsWhatIsInTheCache) {
  StartEdge();
  const std::string token = Mint(60);
  EXPECT_EQ(ByPath(token).status, 200);
  const std::string other = std::string("/v/019a0000000070008000000000000002/") + "720p/seg_0.m4s";
  EXPECT_EQ(Edge(kSegment).status, 401);
  EXPECT_EQ(Edge(kSegment + "?token=").status, 401);
  EXPECT_EQ(Edge(kSegment + "?token=nonsense").status, 401);
  EXPECT_EQ(Edge(kSegment + "?token=" + token + "x").status, 401);
  EXPECT_EQ(Edge(other + "?token=" + token).status, 403);
  EXPECT_EQ(ByPath(Mint(60, "019a0000000070008000000000000002")).status, 403);
  const auto refused = ByPath("v1.unknown.key.signature");
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(refused.headers.GetOr("Cache-Control", ""), HasSubstr("no-store"));
  EXPECT_EQ(refused.headers.GetOr("Access-Control-Allow-Origin", ""), "*");
  EXPECT_THAT(refused.body, HasSubstr("\"UNAUTHENTICATED\""));
  for (const char* url : {"#protected", "%23protected", "?protected", "#protected#", "/../../protected"}) {
    EXPECT_THAT(Edge(kSegment + url).status, AnyOf(400, 401, 404)) << url;
  }
  for (const char* url : {"protected", "protected#", "/_token/"})
    EXPECT_THAT(Edge(std::string("/") + url + kSegment).status, AnyOf(404, 503)) << url;
  EXPECT_EQ(ByPath(token).status, 200) << "refusals are not kept for those who may";
}

TEST_F(EdgeTokensTest, WhatTheEdgeSaysToTheGatewayCannotBeSaidByAClient) {
  StartEdge();
  const std::string token = Mint(60);
  EXPECT_EQ(ByPath(token).status, 200);
  http::Headers forged;
  forged.Set("X-Vora-Access", "granted");
  forged.Set("X-Vora-Wanted", kSegment);
  forged.Set("X-Vora-Edge", "a guess that is long enough");
  forged.Set("X-Vora-Edge-Video", kVideo);
  forged.Set("X-Vora-Stale", "1");
  EXPECT_EQ(Edge(kSegment, forged).status, 401);
  EXPECT_EQ(Edge(kSegment + "?token=bad", forged).status, 401);
  EXPECT_EQ(Get(kSegment, forged).status, 401) << "nor past the edge";
  forged.Set("X-Vora-Access", "ask");
  EXPECT_EQ(Edge(kSegment, forged).status, 401);
  EXPECT_EQ(ByPath(token, kBase + "720p/seg_1.m4s").status, 200);
  http::Headers hop = With("Connection", "X-Vora-Edge, X-Vora-Token, X-Vora-Edge-Video");
  EXPECT_EQ(Edge("/t/" + token + kBase + "720p/init.mp4", hop).status, 404) << "granted, though the client names our headers";
  const std::string video = kVideo;
  http::Headers edge = With("X-Vora-Edge", kEdgeSecret);
  edge.Set("X-Vora-Edge-Video", "019a0000000070008000000000000002");
  EXPECT_EQ(Get(kSegment, edge).status, 401) << "the edge vouches for one video";
  EXPECT_EQ(Get("/_token/" + video, With("X-Vora-Token", token)).status, 404) << "only the edge is told";
  edge.Set("X-Vora-Token", token);
  EXPECT_EQ(Get("/_token/" + video, edge).headers.GetOr("Cache-Control", ""), "private, max-age=60, stale-if-error=0");
}

TEST_F(EdgeTokensTest, ATokenEndsWhenItSays) {
  StartEdge();
  const std::string token = Mint(2);
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(ByPath(token).status, 200);
  EXPECT_EQ(Edge(kSegment + "?token=" + Mint(600)).status, 200);
  clock_.Advance(std::chrono::seconds(2));
  EXPECT_TRUE(Eventually([&] { return ByPath(token).status == 401; }));
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(4)) << "the verdict was kept for the token's two seconds";
  EXPECT_EQ(ByPath(token).status, 401);
  EXPECT_EQ(Edge(kSegment, With("Cookie", "vora_token=" + token)).status, 401) << "replayed in another form";
  EXPECT_EQ(Edge("/v/" + std::string(kVideo) + "/master.m3u8?token=" + token).status, 401);
}

TEST_F(EdgeTokensTest, KeysRotateAndAreTakenAway) {
  options_.edge.verdict_lifetime = std::chrono::seconds(1);
  StartEdge();
  const std::string old = Mint(600);
  EXPECT_EQ(ByPath(old).status, 200);
  options_.tokens.emplace(std::vector<auth::PlaybackKey>{kNew, kOld});
  Restart();
  const std::string fresh = Mint(600);
  EXPECT_TRUE(Eventually([&] { return ByPath(fresh).status == 200; })) << "once the edge has found the gateway again";
  EXPECT_EQ(ByPath(old).status, 200);
  options_.tokens.emplace(std::vector<auth::PlaybackKey>{kNew});
  Restart();
  EXPECT_TRUE(Eventually([&] { return ByPath(old).status == 401; })) << "at the latest when the verdict has ended";
  EXPECT_EQ(ByPath(fresh).status, 200);
}

TEST_F(EdgeTokensTest, HeadRangesConditionsAndPreflight) {
  StartEdge();
  const std::string token = Mint(60), path = "/t/" + token + kSegment;
  const auto head = Edge(path, {}, "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.GetOr("Content-Length", ""), "500000");
  EXPECT_EQ(Edge(kSegment, {}, "HEAD").status, 401);
  const auto part = Edge(path, With("Range", "bytes=100-199"));
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(Cache(part), "HIT");
  EXPECT_TRUE(part.body == Pattern(500'000).substr(100, 100));
  EXPECT_EQ(Edge(kSegment, With("Range", "bytes=100-199")).status, 401);
  const auto known = With("If-None-Match", head.headers.GetOr("ETag", "none"));
  EXPECT_EQ(Edge(path, known).status, 304);
  EXPECT_EQ(Edge(kSegment, known).status, 401);
  EXPECT_EQ(Edge(path, With("Origin", "http://a.example"), "OPTIONS").status, 204);
  EXPECT_EQ(Edge(path, {}, "POST", "x").status, 405);
  EXPECT_EQ(Edge("/t/" + token + kBase + "720p/seg_9.m4s").status, 404);
}

TEST_F(EdgeTokensTest, PlaylistsAreSharedUnlessTheirUrisCarryTheToken) {
  StartEdge();
  const std::string one = Mint(60), two = Mint(120), master = kBase + "master.m3u8";
  const auto first = ByPath(one, master);
  EXPECT_EQ(first.status, 200);
  EXPECT_THAT(first.body, HasSubstr("\n720p/playlist.m3u8\n"));
  EXPECT_THAT(Cache(ByPath(two, master)), AnyOf("HIT", "STALE"));
  EXPECT_THAT(Cache(Edge(master, With("Cookie", "vora_token=" + one))), AnyOf("HIT", "STALE"));
  const auto query = Edge(master + "?token=" + one);
  EXPECT_EQ(Cache(query), "PASS");
  EXPECT_THAT(query.body, HasSubstr("\n720p/playlist.m3u8?token=" + one + "\n"));
  EXPECT_THAT(Edge(master + "?token=" + two).body, HasSubstr("?token=" + two + "\n"));
  EXPECT_THAT(Edge(kBase + "720p/playlist.m3u8?token=" + two).body, HasSubstr("\nseg_0.m4s?token=" + two + "\n"));
  EXPECT_EQ(Edge(master).status, 401);
  EXPECT_EQ(Edge(master + "?token=bad").status, 401);
}

TEST_F(EdgeTokensTest, ProtectedPlaybackGoesOnWhileTheGatewayIsAway) {
  options_.edge.verdict_lifetime = std::chrono::seconds(1);
  StartEdge();
  const std::string lasting = Mint(600), ending = Mint(3), unseen = Mint(60);
  EXPECT_EQ(ByPath(lasting).status, 200);
  EXPECT_EQ(ByPath(ending).status, 200);
  StopOrigin();
  EXPECT_TRUE(Eventually([&] {
    EXPECT_EQ(ByPath(lasting).status, 200);
    return ByPath(ending).status == 503;
  })) << "a verdict is used beyond its lifetime, but not beyond the token's";
  EXPECT_EQ(ByPath(lasting).status, 200);
  EXPECT_EQ(ByPath(unseen).status, 503) << "nothing is granted unasked";
  Start();
  EXPECT_TRUE(Eventually([&] { return ByPath(unseen).status == 200; }));
}

TEST_F(EdgeTokensTest, WithTokensOffATokenChangesNothing) {
  options_.tokens.reset();
  options_.edge.secrets.clear();
  StartEdge();
  EXPECT_EQ(Cache(Edge(kSegment)), "MISS");
  EXPECT_EQ(Cache(Edge(kSegment + "?token=anything")), "HIT");
  EXPECT_EQ(Cache(ByPath("anything")), "HIT");
}

TEST_F(EdgeTokensTest, AnEdgeThatTheGatewayDoesNotKnowHandsTokensOnAndKeepsNothing) {
  options_.edge.secrets = {"a secret of another edge"};
  StartEdge();
  const std::string token = Mint(60);
  for (int i = 0; i < 2; ++i) {
    const auto answer = ByPath(token);
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(Cache(answer), "PASS");
  }
  EXPECT_EQ(Cache(Edge(kSegment + "?token=" + token)), "PASS");
  EXPECT_EQ(Edge(kSegment, With("Cookie", "vora_token=" + token)).status, 200);
  EXPECT_EQ(Edge(kSegment).status, 401);
  EXPECT_EQ(ByPath("bad").status, 401);
  EXPECT_EQ(ByPath(token).status, 200) << "the refusal is not kept either";
}

TEST_F(EdgeTokensTest, NeitherTokensNorTheSecretAreInTheEdgesLog) {
  StartEdge();
  const std::string token = Mint(60);
  EXPECT_EQ(ByPath(token).status, 200);
  EXPECT_EQ(Edge(kSegment + "?token=" + token).status, 200);
  EXPECT_EQ(Edge(kSegment, With("Cookie", "vora_token=" + token)).status, 200);
  EXPECT_EQ(Edge(kBase + "master.m3u8?token=" + token).status, 200);
  EXPECT_EQ(Edge("/t/" + token + "/w/" + kVideo).status, 404);
  EXPECT_EQ(Get("/t/" + token + "/w/" + kVideo).status, 404);
  EXPECT_EQ(Get("/t/" + token).status, 404);
  EXPECT_TRUE(Eventually([&] { return edge_->Log().find("vora_url:" + kBase + "master.m3u8") != std::string::npos; }));
  const std::string log = edge_->Log();
  const auto holds = [&](const std::string& text) { return log.find(text) != std::string::npos; };
  EXPECT_TRUE(holds("vora_url:" + kSegment));
  EXPECT_TRUE(holds("/_token/" + std::string(kVideo)));
  EXPECT_FALSE(holds(token));
  EXPECT_FALSE(holds(kEdgeSecret));
}

}  // namespace
}  // namespace vora::gateway
