#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "libs/http/testing/test_socket.h"
#include "libs/testing/status_matchers.h"
#include "services/analytics-ingest/test_ingest.h"

namespace vora::analytics {
namespace {

using ::testing::HasSubstr;

TEST_F(IngestTest, EveryContentType) {
  Start();
  EXPECT_EQ(Post(std::string("[") + kPlay + "]").status, 202);
  EXPECT_EQ(Post(kPlay, "Application/JSON; charset=utf-8").status, 202);
  EXPECT_EQ(Post(kPlay, "text/plain;charset=UTF-8").status, 202) << "navigator.sendBeacon";
  EXPECT_EQ(Post(std::string(kPlay) + "\n" + kPlay, "application/x-ndjson").status, 202);
  EXPECT_EQ(Post(kPlay, "application/jsonl").status, 202);
  EXPECT_EQ(Post("cid=\"v\",sid=\"s\",e=ps,sta=p,v=2\n", "application/cmcd").status, 202);
  http::Headers headers;
  headers.Set("CMCD-Session", "cid=\"v\",sid=\"s\"");
  headers.Set("CMCD-Object", "br=3200");
  EXPECT_EQ(Post("", "", headers).status, 202);
  EXPECT_EQ(Do({.method = "POST", .url = "/e?CMCD=cid%3D%22v%22%2Csid%3D%22s%22%2Cbr%3D100"}).status, 202);
  const auto pixel = Do({.url = "/e?CMCD=cid%3D%22v%22%2Csid%3D%22s%22"});
  EXPECT_EQ(pixel.status, 204);
  EXPECT_EQ(pixel.body, "");

  EXPECT_EQ(Post(kPlay, "application/x-www-form-urlencoded").status, 415);
  EXPECT_THAT(Post(kPlay, "image/png").body, HasSubstr("application/x-ndjson"));
  http::Headers gzip;
  gzip.Set("Content-Encoding", "gzip");
  EXPECT_EQ(Post(kPlay, "application/json", gzip).status, 415);
  EXPECT_EQ(Post("").status, 400);
  EXPECT_EQ(Post(" \n", "application/cmcd").status, 400);
  EXPECT_EQ(Post("[]").status, 400);
  EXPECT_EQ(Do({.url = "/e"}).status, 400);
  EXPECT_EQ(Do({.method = "PUT", .url = "/e", .body = "x"}).status, 405);
  EXPECT_EQ(Metric(R"(vora_events_accepted_total{source="json"})"), "6");
  EXPECT_EQ(Metric(R"(vora_events_accepted_total{source="cmcd"})"), "4");

  const auto events = StopAndRead();
  ASSERT_EQ(events.size(), 10u);
  for (const Event& event : events) {
    EXPECT_EQ(event.video_id, "v");
    EXPECT_EQ(event.client_net, "127.0.0.0/24");
    EXPECT_EQ(event.server_ms, 1'700'000'000'000);
  }
}

TEST_F(IngestTest, AcceptsTheValidOnesAndTellsOfTheOthers) {
  Start();
  const auto partial = Post(std::string("[") + kPlay + R"(,{"video_id":"v","session_id":"s","type":"zap"},7])");
  EXPECT_EQ(partial.status, 202);
  const json told = json::parse(partial.body);
  EXPECT_EQ(told["accepted"], 1);
  EXPECT_EQ(told["rejected_count"], 2);
  EXPECT_EQ(told["rejected"][0]["index"], 1);
  EXPECT_EQ(told["rejected"][0]["field"], "type");
  EXPECT_EQ(told["rejected"][1]["index"], 2);

  const auto none = Post(R"([{"video_id":"v"},{"session_id":"s"}])");
  EXPECT_EQ(none.status, 400);
  const json refused = json::parse(none.body);
  EXPECT_EQ(refused["error"]["message"], "none of the 2 events is valid; the first: session_id: is missing");
  EXPECT_EQ(refused["error"]["field"], "session_id");
  EXPECT_EQ(refused["rejected_count"], 2);

  const auto broken = Post("[{\"a\":}]");
  EXPECT_EQ(broken.status, 400);
  EXPECT_THAT(json::parse(broken.body)["error"]["message"].get<std::string>(), HasSubstr("line 1, column 7"));
  EXPECT_EQ(Metric(R"(vora_events_rejected_total{reason="invalid"})"), "4");
  EXPECT_EQ(Metric(R"(vora_events_rejected_total{reason="malformed"})"), "1");
  EXPECT_EQ(StopAndRead().size(), 1u);
}

TEST_F(IngestTest, SizesAreLimited) {
  settings_.routes.max_body_bytes = 2000;
  settings_.routes.max_events = 3;
  Start();
  const auto large = Post(std::string("[") + kPlay + std::string(2000, ' ') + "]");
  EXPECT_EQ(large.status, 413);
  EXPECT_THAT(large.body, HasSubstr("longer than 2000 bytes"));
  EXPECT_EQ(large.headers.GetOr("Access-Control-Allow-Origin", ""), "*");
  const std::string four = std::string("[") + kPlay + "," + kPlay + "," + kPlay + "," + kPlay + "]";
  const auto many = Post(four);
  EXPECT_EQ(many.status, 413);
  EXPECT_THAT(many.body, HasSubstr("at most 3 in one request"));
  EXPECT_EQ(Post("a\nb\nc\nd\n", "application/cmcd").status, 413);
  EXPECT_TRUE(StopAndRead().empty()) << "all or nothing of what is too much";
}

TEST_F(IngestTest, EachClientHasItsLimit) {
  settings_.limits.events_per_second = 1;
  settings_.limits.events_burst = 4;
  settings_.routes.max_events = 4;
  Start();
  const std::string three = std::string("[") + kPlay + "," + kPlay + "," + kPlay + "]";
  http::Headers first, second;
  first.Set("X-Forwarded-For", "198.51.100.7");
  second.Set("X-Forwarded-For", "198.51.100.8");
  EXPECT_EQ(Post(three, "application/json", first).status, 202);
  const auto over = Post(three, "application/json", first);
  EXPECT_EQ(over.status, 429);
  EXPECT_EQ(over.headers.GetOr("Retry-After", ""), "2");
  EXPECT_EQ(over.headers.GetOr("Access-Control-Expose-Headers", ""), "Retry-After");
  EXPECT_EQ(Post(three, "application/json", second).status, 202);
  EXPECT_EQ(Metric(R"(vora_events_rejected_total{reason="rate_limit"})"), "3");
  const auto events = StopAndRead();
  ASSERT_EQ(events.size(), 6u);
  EXPECT_EQ(events[0].client_net, "198.51.100.0/24");
}

TEST_F(IngestTest, AnUntrustedPeerCannotNameAnother) {
  settings_.http.trusted_proxies = {"192.0.2.0/24"};
  Start();
  http::Headers headers;
  headers.Set("X-Forwarded-For", "198.51.100.7");
  EXPECT_EQ(Post(kPlay, "application/json", headers).status, 202);
  EXPECT_EQ(StopAndRead().at(0).client_net, "127.0.0.0/24");
}

TEST_F(IngestTest, BodiesInFlightAreLimited) {
  settings_.routes.max_body_bytes = 1 << 20;
  settings_.routes.max_bytes_in_flight = 1 << 20;
  Start();
  http::Headers other;
  other.Set("X-Forwarded-For", "198.51.100.7");
  http::RawSocket slow(app_->http_port());
  const std::string event(kPlay);
  const std::string body = event + std::string((1 << 20) - event.size(), ' ');
  slow.Say("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n");
  ASSERT_THAT(slow.HearUntil("\r\n\r\n"), HasSubstr("100 Continue"));  // now it has its share
  EXPECT_EQ(Post(kPlay).status, 429) << "the same client has its part already";
  const auto refused = Post(kPlay, "application/json", other);
  EXPECT_EQ(refused.status, 503);
  EXPECT_EQ(refused.headers.GetOr("Retry-After", ""), "1");
  EXPECT_EQ(refused.headers.GetOr("Access-Control-Allow-Origin", ""), "*");
  slow.Say(body);
  EXPECT_THAT(slow.HearResponse(), HasSubstr("202 Accepted"));
  EXPECT_EQ(Post(kPlay).status, 202) << "the share was given back";
  EXPECT_EQ(StopAndRead().size(), 2u);
}

TEST_F(IngestTest, ABodyMayComeInChunks) {
  Start();
  http::RawSocket socket(app_->http_port());
  const std::string event(kPlay);
  char size[16];
  std::snprintf(size, sizeof(size), "%zx\r\n", event.size());
  socket.Say("POST /e HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + (size + event) + "\r\n0\r\n\r\n");
  EXPECT_THAT(socket.HearResponse(), HasSubstr("202 Accepted"));
  EXPECT_EQ(StopAndRead().size(), 1u);
}

TEST_F(IngestTest, ClientsThatLeaveGiveTheirShareBack) {
  settings_.routes.max_body_bytes = 1 << 20;
  settings_.routes.max_bytes_in_flight = 1 << 20;
  Start();
  for (int i = 0; i < 20; ++i) {
    http::RawSocket gone(app_->http_port());
    gone.Say("POST /e HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n[");
    gone.Reset();
  }
  // Each reset is noticed in its time.
  while (Metric("vora_ingest_bytes_in_flight") != "0") std::this_thread::yield();
  EXPECT_EQ(Post(kPlay).status, 202);
}

TEST_F(IngestTest, CorsOfAnyOrigin) {
  Start();
  http::Headers headers;
  headers.Set("Origin", "https://site.example");
  headers.Set("Access-Control-Request-Method", "POST");
  const auto preflight = Do({.method = "OPTIONS", .url = "/e", .headers = headers});
  EXPECT_EQ(preflight.status, 204);
  EXPECT_EQ(preflight.headers.GetOr("Access-Control-Allow-Origin", ""), "*");
  EXPECT_THAT(preflight.headers.GetOr("Access-Control-Allow-Methods", ""), HasSubstr("POST"));
  EXPECT_THAT(preflight.headers.GetOr("Access-Control-Allow-Headers", ""), HasSubstr("cmcd-session"));
  EXPECT_THAT(preflight.headers.GetOr("Access-Control-Allow-Headers", ""), HasSubstr("content-type"));
  EXPECT_EQ(preflight.headers.GetOr("Access-Control-Max-Age", ""), "86400");
  for (const auto& answer : {Post(kPlay), Post("{"), Do({.url = "/nowhere"}), Do({.method = "DELETE", .url = "/e"})}) {
    EXPECT_EQ(answer.headers.GetOr("Access-Control-Allow-Origin", ""), "*") << answer.status;
  }
}

TEST_F(IngestTest, CorsOfNamedOrigins) {
  settings_.routes.cors_origins = {"https://a.example", "https://b.example"};
  Start();
  const auto allowed = [&](const std::string& origin) {
    http::Headers headers;
    headers.Set("Origin", origin);
    const auto answer = Post(kPlay, "application/json", headers);
    EXPECT_EQ(answer.headers.GetOr("Vary", ""), "Origin");
    return answer.headers.GetOr("Access-Control-Allow-Origin", "none");
  };
  EXPECT_EQ(allowed("https://b.example"), "https://b.example");
  EXPECT_EQ(allowed("https://evil.example"), "none");
}

TEST_F(IngestTest, TheServersTimeStandsStillForASmallStepBackAndFollowsALargeOne) {
  Start();
  EXPECT_EQ(Post(kPlay).status, 202);
  clock_.Advance(-std::chrono::seconds(9));
  EXPECT_EQ(Post(kPlay).status, 202);
  clock_.Advance(std::chrono::seconds(10));
  EXPECT_EQ(Post(kPlay).status, 202);
  clock_.Advance(-std::chrono::hours(30));  // it had leapt ahead, and is set right
  EXPECT_EQ(Post(kPlay).status, 202);
  std::map<int64_t, int> times;  // the spool hands out segments of two days
  const auto events = StopAndRead();
  ASSERT_EQ(events.size(), 4u);
  for (const Event& event : events) ++times[event.server_ms - events[0].server_ms];
  EXPECT_EQ(times, (std::map<int64_t, int>{{0, 2}, {1000, 1}, {1000 - 30 * 3'600'000, 1}}));
}

TEST_F(IngestTest, ARestartGoesOn) {
  Start();
  EXPECT_EQ(Post(kPlay).status, 202);
  app_.reset();
  Start();
  EXPECT_EQ(Post(kPlay).status, 202);
  EXPECT_EQ(StopAndRead().size(), 2u);
}

TEST_F(IngestTest, ClosedMeansTryAgain) {
  Start();
  EXPECT_EQ(ToText(app_->Health()), "OK");
  app_->StopIntake(std::chrono::milliseconds(1000));
  EXPECT_THAT(app_->Health(), StatusIs(StatusCode::kUnavailable));
}

TEST_F(IngestTest, SettingsThatCannotWorkAreNamed) {
  settings_.limits.events_burst = 10;
  EXPECT_THAT(Message(settings_.Check()), HasSubstr("VORA_CLIENT_EVENTS_BURST"));
  settings_.limits.events_burst = 10'000;
  settings_.routes.max_bytes_in_flight = 10;
  EXPECT_THAT(Message(settings_.Check()), HasSubstr("VORA_INGEST_MAX_IN_FLIGHT"));
  settings_.routes.max_bytes_in_flight = 16 << 20;
  settings_.viewer_secret = "short";
  EXPECT_THAT(Message(settings_.Check()), HasSubstr("VORA_VIEWER_SECRET"));
  settings_.viewer_secret = "";
  settings_.http.trusted_proxies = {"nobody"};
  EXPECT_THAT(Message(settings_.Check()), HasSubstr("VORA_TRUSTED_PROXIES"));
}

}  // namespace
}  // namespace vora::analytics
