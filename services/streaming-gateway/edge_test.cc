// The edge: a real Varnish with deploy/varnish/default.vcl.in in front of the real gateway.

#include <thread>

#include <gmock/gmock.h>

#include "libs/testing/status_matchers.h"
#include "services/streaming-gateway/edge_fixture_test.h"

namespace vora::gateway {
namespace {

using ::testing::HasSubstr;

TEST_F(EdgeTest, HitsRangesAndConditions) {
  StartEdge();
  const auto miss = Edge(kBase + "720p/seg_0.m4s");
  EXPECT_EQ(miss.status, 200);
  EXPECT_EQ(Cache(miss), "MISS");
  const auto hit = Edge(kBase + "720p/seg_0.m4s?anything=1");
  EXPECT_EQ(Cache(hit), "HIT");
  EXPECT_TRUE(hit.body == Pattern(500'000));
  EXPECT_TRUE(hit.headers.Has("Age"));
  EXPECT_EQ(hit.headers.GetOr("Access-Control-Allow-Origin", ""), "*");
  http::Headers range;
  range.Set("Range", "bytes=100-199");
  const auto part = Edge(kBase + "720p/seg_0.m4s", range);
  EXPECT_EQ(part.status, 206);
  EXPECT_EQ(Cache(part), "HIT");
  EXPECT_TRUE(part.body == Pattern(500'000).substr(100, 100));
  http::Headers same;
  same.Set("If-None-Match", hit.headers.GetOr("ETag", ""));
  EXPECT_EQ(Edge(kBase + "720p/seg_0.m4s", same).status, 304);
  EXPECT_EQ(Edge(kBase + "720p/seg_7.m4s").status, 404);
  EXPECT_EQ(Metric("vora_gateway_cache_total{result=\"miss\"}"), 2);
}

TEST_F(EdgeTest, ManyViewersAreOneRequestToTheGateway) {
  StartEdge();
  store_->Hold();
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> viewers;
    for (int i = 0; i < 25; ++i) {
      viewers.emplace_back([&] {
        if (Edge(kBase + "720p/seg_0.m4s").body == Pattern(500'000)) ++right;
      });
    }
    EXPECT_TRUE(Eventually([&] { return store_->opens() == 1; }));
    store_->Release();
  }
  EXPECT_EQ(right, 25);
  EXPECT_EQ(Metric("vora_gateway_cache_total{result=\"miss\"}"), 1);
  EXPECT_EQ(Metric("vora_gateway_cache_total{result=\"coalesced\"}") + Metric("vora_gateway_cache_total{result=\"hit\"}"), 0);
}

TEST_F(EdgeTest, ServesWhatItHasWhileTheOriginIsDownAndTheOriginAfterwards) {
  StartEdge();
  EXPECT_EQ(Edge(kBase + "720p/seg_0.m4s").status, 200);
  EXPECT_EQ(Edge(kBase + "720p/playlist.m3u8").status, 200);
  StopOrigin();
  EXPECT_EQ(Edge(kBase + "720p/seg_0.m4s").status, 200);
  // Its lifetime is a second; from then on it is older than it may be, and still better than nothing.
  EXPECT_TRUE(Eventually([&] {
    const auto manifest = Edge(kBase + "720p/playlist.m3u8");
    EXPECT_EQ(manifest.status, 200);
    return Cache(manifest) == "STALE";
  }));
  const auto never = Edge(kBase + "720p/seg_1.m4s");
  EXPECT_EQ(never.status, 503);
  EXPECT_EQ(never.headers.GetOr("Retry-After", ""), "1");
  EXPECT_THAT(never.body, HasSubstr("\"UNAVAILABLE\""));

  playback_.Set(MakePresentation("PARTIALLY_READY", 4, false));
  Start();
  EXPECT_TRUE(Eventually([&] { return Edge(kBase + "720p/seg_1.m4s").status == 200; }));
  EXPECT_TRUE(Eventually([&] { return Edge(kBase + "720p/playlist.m3u8").body.find("seg_3.m4s") != std::string::npos; }));
}

TEST_F(EdgeTest, AnOriginThatAnswersWithErrorsDoesNotPushOutTheStaleCopy) {
  StartEdge();
  EXPECT_EQ(Edge(kBase + "720p/playlist.m3u8").status, 200);
  // A gateway that knows nothing, with nobody to ask: healthy, but it answers 503.
  StopOrigin();
  playback_.Stop();
  Start();
  EXPECT_EQ(Get(kBase + "720p/playlist.m3u8").status, 503);
  // Behind its lifetime and what a healthy origin is allowed (1 s each) only the second round in the VCL finds it.
  EXPECT_TRUE(Eventually([&] {
    const auto manifest = Edge(kBase + "720p/playlist.m3u8");
    EXPECT_EQ(manifest.status, 200);
    return Cache(manifest) == "STALE" && std::stoi(manifest.headers.GetOr("Age", "0")) > 3;
  }));
  playback_.Start();
  EXPECT_TRUE(Eventually([&] {
    clock_.Advance(std::chrono::milliseconds(1100));
    const auto manifest = Edge(kBase + "720p/playlist.m3u8");
    return manifest.status == 200 && Cache(manifest) != "STALE";
  }));
}

TEST_F(EdgeTest, EventsOfMetadataAreStreamedAndOtherPathsSayWhereToGo) {
  obs::Metrics metrics;
  http::Server metadata({}, metrics);
  std::atomic<bool> first_seen{false};
  metadata.Route("GET", "/v1/videos/{id}/events", [&](http::Exchange& exchange) -> http::Task<void> {
    http::Response head = http::Response::Empty(200);
    head.headers.Set("Content-Type", "text/event-stream");
    co_await exchange.Begin(std::move(head), std::nullopt);
    co_await exchange.Write("data: one\n\n");
    while (!first_seen && !exchange.draining()) co_await exchange.Sleep(std::chrono::milliseconds(5));
    co_await exchange.Write("data: two\n\n");
    co_await exchange.Finish();
  });
  ASSERT_THAT(metadata.Start(), IsOk());
  StartEdge(metadata.port());
  http::Client client;
  http::ClientRequest request;
  request.url = "http://127.0.0.1:" + std::to_string(edge_->port()) + "/v1/videos/x/events";
  std::string seen;
  request.on_data = [&](std::string_view bytes) {
    seen += bytes;
    first_seen = true;
    return true;
  };
  const auto events = client.Do(request);
  ASSERT_THAT(events, IsOk()) << "an edge that holds events back never shows the first";
  EXPECT_EQ(seen, "data: one\n\ndata: two\n\n");
  const auto files = Edge("/files/x");
  EXPECT_EQ(files.status, 404);
  EXPECT_THAT(files.body, HasSubstr("8081"));
  const auto analytics = Edge("/e");
  EXPECT_EQ(analytics.status, 503);
  EXPECT_EQ(analytics.headers.GetOr("Content-Type", ""), "application/json");
  metadata.Shutdown(std::chrono::seconds(1));
}

}  // namespace
}  // namespace vora::gateway
