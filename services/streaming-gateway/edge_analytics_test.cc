// The edge and the analytics: CMCD beside the cache key, and the way to /e.

#include <atomic>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "libs/testing/status_matchers.h"
#include "services/streaming-gateway/edge_fixture_test.h"
#include "services/streaming-gateway/ingest_server_test.h"

namespace vora::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

std::string Cmcd(const std::string& session) { return "CMCD=br%3D3000%2Csid%3D%22" + session + "%22"; }

class EdgeCmcdTest : public EdgeTest {
 protected:
  void SetUp() override {
    EdgeTest::SetUp();
    options_.deliveries.send = AnalyticsSender(ingest_.target());
    options_.deliveries.interval = std::chrono::milliseconds(10);
  }
  std::vector<analytics::v1::DeliveryRecord> Records(size_t count) {
    EXPECT_TRUE(Eventually([&] { return ingest_.records().size() >= count; })) << ingest_.records().size();
    return ingest_.records();
  }
  // Everything before it has been recorded when its own record is there.
  void ExpectNoMoreThan(size_t count) {
    EXPECT_EQ(Get(kBase + "720p/seg_0.m4s?" + Cmcd("last")).status, 200);
    EXPECT_THAT(Records(count + 1), SizeIs(count + 1));
    EXPECT_EQ(ingest_.records().back().session_id(), "last");
  }
  IngestServer ingest_;
};

TEST_F(EdgeCmcdTest, IsNoPartOfTheCacheKeyAndReachesTheGatewayOnAMiss) {
  StartEdge();
  EXPECT_EQ(Cache(Edge(kBase + "720p/seg_0.m4s?" + Cmcd("one"))), "MISS");
  Records(1);
  EXPECT_EQ(Cache(Edge(kBase + "720p/seg_0.m4s?" + Cmcd("two"))), "HIT");
  EXPECT_EQ(Cache(Edge(kBase + "720p/seg_0.m4s?a=b&" + Cmcd("three") + "&c=d")), "HIT");
  EXPECT_EQ(Cache(Edge(kBase + "720p/seg_0.m4s")), "HIT");
  EXPECT_EQ(Cache(Edge(kBase + "720p/seg_0.m4s", With("CMCD-Session", "sid=\"four\""))), "HIT");
  EXPECT_EQ(Cache(Edge(kBase + "720p/seg_1.m4s", With("CMCD-Session", "sid=\"five\""))), "MISS");
  const auto records = Records(2);
  EXPECT_EQ(records[0].session_id(), "one");
  EXPECT_EQ(records[0].bitrate(), 3'000'000);
  EXPECT_EQ(records[0].object(), "720p/seg_0.m4s");
  EXPECT_EQ(records[1].session_id(), "five");
  ExpectNoMoreThan(2);
}

TEST_F(EdgeCmcdTest, TheEdgesOwnHeaderCannotBeSentByAClient) {
  StartEdge();
  EXPECT_EQ(Edge(kBase + "720p/seg_0.m4s", With("X-Vora-CMCD", "sid%3D%22forged%22")).status, 200);
  EXPECT_EQ(Edge(kBase + "720p/seg_1.m4s?" + Cmcd("true"), With("x-vora-cmcd", "sid%3D%22forged%22")).status, 200);
  EXPECT_EQ(Records(1)[0].session_id(), "true");
  ExpectNoMoreThan(1);
}

TEST_F(EdgeCmcdTest, PassesWithATokenInTheQueryThePathOrACookie) {
  options_.tokens.emplace(std::vector<auth::PlaybackKey>{{"k1", "a secret of enough bytes"}});
  StartEdge();
  int64_t expires = 0;
  const std::string token = gateway_->access().Mint(kVideo, std::chrono::seconds(60), &expires).value();
  const std::string segment = kBase + "720p/seg_0.m4s";
  EXPECT_EQ(Edge(segment + "?token=" + token + "&" + Cmcd("query")).status, 200);
  EXPECT_EQ(Edge(segment + "?" + Cmcd("query") + "&token=" + token).status, 200);
  EXPECT_EQ(Edge("/t/" + token + segment + "?" + Cmcd("path")).status, 200);
  EXPECT_EQ(Edge(segment + "?" + Cmcd("cookie"), With("Cookie", "vora_token=" + token)).status, 200);
  EXPECT_EQ(Edge(segment + "?token=" + token + "&CMCD=%zz").status, 200) << "malformed, and no reason to fail";
  EXPECT_EQ(Edge(segment + "?" + Cmcd("nobody")).status, 401);
  const auto playlist = Edge(kBase + "720p/playlist.m3u8?" + Cmcd("list") + "&token=" + token);
  EXPECT_THAT(playlist.body, HasSubstr("\nseg_0.m4s?token=" + token + "\n")) << "only the token is handed on in URIs";
  std::vector<std::string> sessions;
  for (const auto& record : Records(6)) sessions.push_back(record.session_id());
  EXPECT_THAT(sessions, ::testing::UnorderedElementsAre("query", "query", "path", "cookie", "nobody", "list"));
}

TEST_F(EdgeCmcdTest, NothingThatAPlayerSendsFailsARequest) {
  StartEdge();
  const std::string segment = kBase + "720p/seg_0.m4s";
  std::string confusing;
  for (int i = 0; i < 1400; ++i) confusing += "&CMC";
  const std::string queries[] = {"?CMCD=",
                                 "?CMCD",
                                 "?CMCD=%zz",
                                 "?CMCD=%00",
                                 "?CMCD=a&CMCD=b&CMCD=c",
                                 "?&&CMCD=sid&&",
                                 "?CMCD=" + std::string(7500, 'a'),
                                 "?" + std::string(7000, 'a') + "&CMCD=sid%3D%22deep%22",
                                 "?" + confusing + "&CMCD=x",
                                 "?" + std::string(7500, '&') + "CMCD=x",
                                 "?" + std::string(7500, '?') + "CMCD=x"};
  for (const std::string& query : queries) EXPECT_EQ(Edge(segment + query).status, 200) << query.substr(0, 60) << ' ' << query.size();
  EXPECT_EQ(Metric("vora_gateway_cache_total{result=\"miss\"}"), 1) << "one object, one key";
}

TEST_F(EdgeCmcdTest, PreflightIsAnsweredAlsoWhileTheGatewayIsAway) {
  StartEdge();
  EXPECT_EQ(Edge(kBase + "720p/seg_0.m4s").status, 200);
  const auto allowed = Edge(kBase + "720p/seg_0.m4s", With("Origin", "http://a.example"), "OPTIONS");
  EXPECT_EQ(allowed.status, 204);
  StopOrigin();
  const auto away = Edge(kBase + "720p/seg_0.m4s", With("Origin", "http://a.example"), "OPTIONS");
  EXPECT_EQ(away.status, 204);
  for (const char* name : {"CMCD-Object", "CMCD-Request", "CMCD-Session", "CMCD-Status", "Range"}) {
    EXPECT_THAT(allowed.headers.GetOr("Access-Control-Allow-Headers", ""), HasSubstr(name));
    EXPECT_THAT(away.headers.GetOr("Access-Control-Allow-Headers", ""), HasSubstr(name));
  }
  EXPECT_EQ(Edge(kBase + "720p/seg_0.m4s").status, 200) << "what the edge has needs no gateway";
}

TEST_F(EdgeTest, EventsPassWithTheirBodyAndTheTrueAddressLast) {
  obs::Metrics metrics;
  http::Server analytics({}, metrics);
  analytics.RouteSimple("POST", "/e", [](const http::Request& request, const std::string& body) {
    std::string forwarded;
    for (const auto& [name, value] : request.headers.all()) {
      if (name == "X-Forwarded-For") forwarded += (forwarded.empty() ? "" : " | ") + value;
    }
    http::Response response = http::Response::Text(202, forwarded + "\n" + request.Query("CMCD").value_or("") + "\n" + body);
    response.headers.Set("X-Had-Cookie", request.headers.Has("Cookie") ? "yes" : "no");
    return response;
  });
  ASSERT_THAT(analytics.Start(), IsOk());
  StartEdge(0, analytics.port());
  http::Headers headers = With("X-Forwarded-For", "203.0.113.9, 198.51.100.7");
  headers.Add("X-Forwarded-For", "192.0.2.1");
  headers.Set("Cookie", "session=secret");
  const std::string events = Pattern(200'000);
  const auto posted = Edge("/e?CMCD=sid%3D%22a%22", headers, "POST", events);
  EXPECT_EQ(posted.status, 202);
  const size_t first = posted.body.find('\n'), second = posted.body.find('\n', first + 1);
  EXPECT_EQ(posted.body.substr(0, first), "203.0.113.9, 198.51.100.7, 192.0.2.1, 127.0.0.1");
  EXPECT_EQ(posted.body.substr(first + 1, second - first - 1), "sid=\"a\"");
  EXPECT_TRUE(posted.body.substr(second + 1) == events);
  EXPECT_EQ(posted.headers.GetOr("X-Had-Cookie", ""), "no");
  EXPECT_EQ(Cache(posted), "PASS");
  analytics.Shutdown(std::chrono::seconds(1));
}

TEST_F(EdgeTest, WithoutAnalyticsAPageOfAnotherOriginGetsAnAnswerItMayRead) {
  StartEdge();
  const auto preflight = Edge("/e", With("Origin", "http://a.example"), "OPTIONS");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.GetOr("Access-Control-Allow-Origin", ""), "*");
  EXPECT_THAT(preflight.headers.GetOr("Access-Control-Allow-Methods", ""), HasSubstr("POST"));
  EXPECT_THAT(preflight.headers.GetOr("Access-Control-Allow-Headers", ""), HasSubstr("Content-Type"));
  const auto began = std::chrono::steady_clock::now();
  const auto refused = Edge("/e", With("Origin", "http://a.example"), "POST", "[]");
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(1));
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.GetOr("Access-Control-Allow-Origin", ""), "*");
  EXPECT_THAT(refused.headers.GetOr("Access-Control-Expose-Headers", ""), HasSubstr("Retry-After"));
  EXPECT_EQ(refused.headers.GetOr("Retry-After", ""), "1");
  EXPECT_THAT(refused.body, HasSubstr("\"UNAVAILABLE\""));
}

TEST_F(EdgeTest, AnalyticsThatHangHoldUpNothingElse) {
  constexpr int kPosts = 260;    // more than the edge lets through at once,
  constexpr int kThrough = 230;  // which is 200, and a few that come at the same moment
  obs::Metrics metrics;
  http::Server analytics({}, metrics);
  std::atomic<int> hanging{0}, refused{0};
  analytics.Route("POST", "/e", [&](http::Exchange& exchange) -> http::Task<void> {
    ++hanging;
    while (!exchange.draining()) co_await exchange.Sleep(std::chrono::milliseconds(50));
  });
  ASSERT_THAT(analytics.Start(), IsOk());
  StartEdge(0, analytics.port());
  {
    std::vector<std::jthread> posts;
    for (int i = 0; i < kPosts; ++i) {
      posts.emplace_back([&] {
        const auto response = Edge("/e", {}, "POST", "[]");
        if (response.status == 503 && response.headers.Has("Retry-After")) ++refused;
      });
    }
    EXPECT_TRUE(Eventually([&] { return hanging + refused == kPosts; })) << "the rest is refused at once";
    EXPECT_LE(hanging, kThrough);
    EXPECT_GE(refused, kPosts - kThrough);
    const auto began = std::chrono::steady_clock::now();
    EXPECT_EQ(Edge(kBase + "720p/seg_0.m4s").status, 200);
    EXPECT_EQ(Edge(kBase + "720p/seg_1.m4s").status, 200);
    EXPECT_EQ(Edge(kBase + "720p/playlist.m3u8").status, 200);
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(2));
  }
  EXPECT_EQ(refused, kPosts);
  analytics.Shutdown(std::chrono::seconds(1));
}

}  // namespace
}  // namespace vora::gateway
