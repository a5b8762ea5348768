// Segments over HTTP: ranges, conditions, one origin fetch for many, bounded memory, the store away.

#include <thread>

#include <gmock/gmock.h>

#include "services/streaming-gateway/fixture_test.h"

namespace vora::gateway {
namespace {

using ::testing::HasSubstr;

const std::string kSegmentUrl = std::string("/v/") + kVideo + "/720p/seg_0.m4s";
const std::string kSegmentKey = std::string("processed/") + kVideo + "/720p/seg_0.m4s";

TEST_F(GatewayTest, SegmentWithItsHeadersEvenWithoutMetadata) {
  playback_.Stop();
  Start();
  const std::string bytes = Pattern(1'500'000);
  Put(kSegmentKey, bytes);
  const auto response = Get(kSegmentUrl);
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, bytes);
  EXPECT_EQ(response.headers.GetOr("Content-Type", ""), "video/iso.segment");
  EXPECT_EQ(response.headers.GetOr("Content-Length", ""), "1500000");
  EXPECT_EQ(response.headers.GetOr("Accept-Ranges", ""), "bytes");
  EXPECT_EQ(response.headers.GetOr("Cache-Control", ""), "public, max-age=31536000, immutable");
  EXPECT_EQ(response.headers.GetOr("Access-Control-Allow-Origin", ""), "*");
  EXPECT_THAT(response.headers.GetOr("Access-Control-Expose-Headers", ""), HasSubstr("Content-Range"));
  // Counted after it was written: the client may be the quicker.
  EXPECT_TRUE(Eventually([&] { return Metric("vora_gateway_bytes_total") == 1'500'000; }));
}

TEST_F(GatewayTest, RangesOfASegment) {
  Start();
  const std::string bytes = Pattern(300'000);
  Put(kSegmentKey, bytes);
  struct Case {
    std::string range;
    int status;
    std::string content_range, body;
  };
  const Case table[] = {
      {"bytes=0-0", 206, "bytes 0-0/300000", bytes.substr(0, 1)},
      {"bytes=100-199", 206, "bytes 100-199/300000", bytes.substr(100, 100)},
      {"bytes=299990-", 206, "bytes 299990-299999/300000", bytes.substr(299990)},
      {"bytes=-10", 206, "bytes 299990-299999/300000", bytes.substr(299990)},
      {"bytes=299999-999999", 206, "bytes 299999-299999/300000", bytes.substr(299999)},
      {"bytes=300000-", 416, "bytes */300000", ""},
      {"bytes=5-4", 200, "", bytes},
      {"bytes=0-1,5-6", 200, "", bytes},
      {"lines=0-1", 200, "", bytes},
  };
  for (const Case& c : table) {
    const auto response = Get(kSegmentUrl, With("Range", c.range));
    EXPECT_EQ(response.status, c.status) << c.range;
    EXPECT_EQ(response.headers.GetOr("Content-Range", ""), c.content_range) << c.range;
    EXPECT_TRUE(c.status == 416 || response.body == c.body) << c.range;
  }
  const std::string etag = Get(kSegmentUrl).headers.GetOr("ETag", "");
  http::Headers same = With("Range", "bytes=0-9");
  same.Set("If-Range", etag);
  EXPECT_EQ(Get(kSegmentUrl, same).status, 206);
  http::Headers other = With("Range", "bytes=0-9");
  other.Set("If-Range", "\"another\"");
  EXPECT_EQ(Get(kSegmentUrl, other).status, 200);
}

TEST_F(GatewayTest, HeadAndNotModifiedDoNotFetchTheObject) {
  Start();
  Put(kSegmentKey, Pattern(5000));
  const auto head = Get(kSegmentUrl, {}, "HEAD");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.GetOr("Content-Length", ""), "5000");
  EXPECT_EQ(head.body, "");
  const std::string etag = head.headers.GetOr("ETag", "");
  EXPECT_GT(etag.size(), 2u);
  const auto unchanged = Get(kSegmentUrl, With("If-None-Match", etag));
  EXPECT_EQ(unchanged.status, 304);
  EXPECT_EQ(unchanged.headers.GetOr("ETag", ""), etag);
  EXPECT_EQ(Metric("vora_gateway_origin_fetch_total"), 0);
  EXPECT_EQ(Get(kSegmentUrl, With("If-None-Match", "\"old\"")).status, 200);
  EXPECT_EQ(Get(kSegmentUrl, With("If-None-Match", "W/" + etag)).status, 304);
  EXPECT_EQ(Get(kSegmentUrl, {}, "HEAD").headers.GetOr("Content-Length", ""), "5000");
  EXPECT_EQ(Metric("vora_gateway_origin_fetch_total"), 1);
}

TEST_F(GatewayTest, ManyClientsOneOriginFetch) {
  Start();
  const std::string bytes = Pattern(2'000'000);
  Put(kSegmentKey, bytes);
  store_->Hold();
  constexpr int kClients = 20;
  std::atomic<int> right{0};
  {
    std::vector<std::jthread> clients;
    for (int i = 0; i < kClients; ++i) {
      clients.emplace_back([&] {
        const auto response = Get(kSegmentUrl);
        if (response.status == 200 && response.body == bytes) ++right;
      });
    }
    EXPECT_TRUE(Eventually([&] { return Metric("vora_gateway_cache_total{result=\"coalesced\"}") == kClients - 1; }));
    store_->Release();
  }
  EXPECT_EQ(right, kClients);
  EXPECT_EQ(store_->opens(), 1);
  EXPECT_EQ(Metric("vora_gateway_origin_fetch_total"), 1);
  EXPECT_EQ(Get(kSegmentUrl).status, 200);
  EXPECT_EQ(store_->opens(), 1);
  EXPECT_EQ(Metric("vora_gateway_cache_total{result=\"hit\"}"), 1);
}

TEST_F(GatewayTest, AnObjectThatDoesNotFitIsStreamedPastTheCache) {
  options_.cache.capacity_bytes = 1 << 20;
  Start();
  const std::string bytes = Pattern(3'000'000);
  Put(kSegmentKey, bytes);
  EXPECT_TRUE(Get(kSegmentUrl).body == bytes);
  EXPECT_EQ(Metric("vora_gateway_cache_total{result=\"bypass\"}"), 1);
  const auto part = Get(kSegmentUrl, With("Range", "bytes=2000000-2000099"));
  EXPECT_EQ(part.status, 206);
  EXPECT_TRUE(part.body == bytes.substr(2'000'000, 100));
}

TEST_F(GatewayTest, AReadThatBreaksMidwayGoesOn) {
  Start();
  const std::string bytes = Pattern(1'000'000);
  Put(kSegmentKey, bytes);
  store_->BreakNextReadAfter(400'000);
  const auto response = Get(kSegmentUrl);
  EXPECT_EQ(response.status, 200);
  EXPECT_TRUE(response.body == bytes);
  EXPECT_EQ(store_->opens(), 2);
}

TEST_F(GatewayTest, StoreAwayIs503AndPassesByItself) {
  Start();
  Put(kSegmentKey, Pattern(1000));
  store_->SetAway(true);
  const auto away = Get(kSegmentUrl);
  EXPECT_EQ(away.status, 503);
  EXPECT_EQ(away.headers.GetOr("Retry-After", ""), "1");
  EXPECT_EQ(away.headers.GetOr("Cache-Control", ""), "public, max-age=1");
  EXPECT_EQ(Get(kSegmentUrl, {}, "HEAD").status, 503);
  store_->SetAway(false);
  EXPECT_EQ(Get(kSegmentUrl).status, 200);
  store_->SetAway(true);
  EXPECT_EQ(Get(kSegmentUrl).status, 200) << "what is in memory needs no store";
}

TEST_F(GatewayTest, ErrorsAreJsonAndShortLived) {
  Start();
  const auto missing = Get(std::string("/v/") + kVideo + "/720p/seg_99.m4s");
  EXPECT_EQ(missing.status, 404);
  EXPECT_EQ(missing.headers.GetOr("Content-Type", ""), "application/json");
  EXPECT_EQ(missing.headers.GetOr("Cache-Control", ""), "public, max-age=1");
  EXPECT_THAT(missing.body, HasSubstr("\"code\":\"NOT_FOUND\""));
  EXPECT_EQ(Get(kSegmentUrl, {}, "POST").status, 405);
  const auto preflight = Get(kSegmentUrl, With("Origin", "http://player.example"), "OPTIONS");
  EXPECT_EQ(preflight.status, 204);
  EXPECT_THAT(preflight.headers.GetOr("Access-Control-Allow-Headers", ""), HasSubstr("Range"));
  EXPECT_EQ(Get("/healthz").status, 200);
}

TEST_F(GatewayTest, OnlyPublishedObjectsCanBeNamed) {
  Start();
  Put("raw/u1/original", "secret");
  Put("raw/u1/state", "secret");
  Put(std::string("processed/") + kVideo + "/720p/notes.txt", "secret");
  const std::string v = std::string("/v/") + kVideo;
  const std::string table[] = {
      v + "/../../raw/u1/original",
      v + "/..%2f..%2fraw%2fu1%2foriginal",
      v + "/%2e%2e/%2e%2e/raw/u1/original",
      v + "/720p/../../../raw/u1/original",
      v + "/720p/..%5c..%5craw",
      v + "/720p/notes.txt",
      v + "/720p/seg_0.m4s%00",
      v + "//720p/seg_0.m4s",
      v + "/720p%2fseg_0.m4s%2f..%2f..%2fx",
      v + "/",
      v,
      "/v/../raw/u1/original",
      "/v/raw/u1/original",
      "/v/..%2f/raw/u1/original",
      "/v/u1/720p/seg_0.m4s",
      "/v/019A0000000070008000000000000001/720p/seg_0.m4s",
      "/raw/u1/original",
      "/processed/x/720p/seg_0.m4s",
      "/t/x/v/" + std::string(kVideo) + "/../../../../raw/u1/original",
  };
  for (const std::string& target : table) {
    const int status = RawStatus(target);
    EXPECT_TRUE(status == 404 || status == 400) << target << " gave " << status;
  }
  EXPECT_EQ(store_->opens(), 0);
}

}  // namespace
}  // namespace vora::gateway
