// What the gateway tells the analytics of its answers.

#include <algorithm>
#include <thread>

#include <gmock/gmock.h>

#include "services/streaming-gateway/fixture_test.h"
#include "services/streaming-gateway/ingest_server_test.h"
#include "services/streaming-gateway/records/client_data.h"

namespace vora::gateway {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using Record = analytics::v1::DeliveryRecord;

const std::string kBase = std::string("/v/") + kVideo + "/";
const std::string kRecordPrefix = std::string("processed/") + kVideo + "/";
// sid="view-1",br=3000,bl=12300,mtp=25400
constexpr char kCmcd[] = "?CMCD=bl%3D12300%2Cbr%3D3000%2Cmtp%3D25400%2Csid%3D%22view-1%22";

class DeliveryRecordTest : public GatewayTest {
 protected:
  void SetUp() override {
    playback_.Set(MakePresentation("PARTIALLY_READY", 1, false));
    options_.deliveries.send = AnalyticsSender(ingest_.target());
    options_.deliveries.interval = std::chrono::milliseconds(10);
  }
  // Everything that was recorded, once there are `count`. Wait for one before asking for the next: connections have no order.
  std::vector<Record> Records(size_t count) {
    EXPECT_TRUE(Eventually([&] { return ingest_.records().size() >= count; })) << ingest_.records().size();
    return ingest_.records();
  }
  static http::Headers Cmcd(const std::string& session) {
    http::Headers headers;
    headers.Set("CMCD-Session", "sid=\"" + session + "\"");
    return headers;
  }
  IngestServer ingest_;
};

TEST_F(DeliveryRecordTest, AMissAndAHitWithEverythingThePlayerSaid) {
  Start();
  Put(kRecordPrefix + "720p/seg_7.m4s", Pattern(100'000));
  EXPECT_EQ(Get(kBase + "720p/seg_7.m4s" + kCmcd).status, 200);
  Records(1);
  http::Headers range = Cmcd("view-2");
  range.Set("Range", "bytes=0-99");
  EXPECT_EQ(Get(kBase + "720p/seg_7.m4s", range).status, 206);
  const auto records = Records(2);
  const Record& miss = records[0];
  EXPECT_EQ(miss.tenant(), "default");
  EXPECT_EQ(miss.video_id(), kVideo);
  EXPECT_EQ(miss.session_id(), "view-1");
  EXPECT_EQ(miss.time().seconds(), 1'700'000'000);
  EXPECT_EQ(miss.object(), "720p/seg_7.m4s");
  EXPECT_EQ(miss.rendition(), "720p");
  EXPECT_EQ(miss.segment_index(), 7);
  EXPECT_EQ(miss.cache(), analytics::v1::CACHE_STATE_MISS);
  EXPECT_GT(miss.origin_seconds(), 0);
  EXPECT_GE(miss.total_seconds(), miss.origin_seconds());
  EXPECT_EQ(miss.bytes(), 100'000);
  EXPECT_EQ(miss.status(), 200);
  EXPECT_DOUBLE_EQ(miss.buffer_seconds(), 12.3);
  EXPECT_EQ(miss.throughput(), 25'400'000);
  EXPECT_EQ(miss.bitrate(), 3'000'000);
  const Record& hit = records[1];
  EXPECT_EQ(hit.session_id(), "view-2");
  EXPECT_EQ(hit.cache(), analytics::v1::CACHE_STATE_HIT);
  EXPECT_EQ(hit.origin_seconds(), 0);
  EXPECT_GT(hit.total_seconds(), 0);
  EXPECT_EQ(hit.bytes(), 100);
  EXPECT_EQ(hit.status(), 206);
}

TEST_F(DeliveryRecordTest, CoalescedRequestsSayHowLongTheyThemselvesWaited) {
  Start();
  Put(kRecordPrefix + "720p/seg_0.m4s", Pattern(100'000));
  store_->Hold();
  {
    std::jthread first([&] { EXPECT_EQ(Get(kBase + "720p/seg_0.m4s", Cmcd("first")).status, 200); });
    ASSERT_TRUE(Eventually([&] { return store_->opens() == 1; }));
    const auto first_began = std::chrono::steady_clock::now();
    ASSERT_TRUE(Eventually([&] { return std::chrono::steady_clock::now() - first_began > std::chrono::milliseconds(60); }));
    std::jthread second([&] { EXPECT_EQ(Get(kBase + "720p/seg_0.m4s", Cmcd("second")).status, 200); });
    ASSERT_TRUE(Eventually([&] { return Metric("vora_gateway_cache_total{result=\"coalesced\"}") == 1; }));
    store_->Release();
  }
  const auto records = Records(2);
  const bool in_order = records[0].session_id() == "first";
  const Record& miss = records[in_order ? 0 : 1];
  const Record& coalesced = records[in_order ? 1 : 0];
  EXPECT_EQ(miss.cache(), analytics::v1::CACHE_STATE_MISS);
  EXPECT_EQ(coalesced.cache(), analytics::v1::CACHE_STATE_COALESCED);
  EXPECT_GE(miss.origin_seconds(), 0.06);
  EXPECT_LT(coalesced.origin_seconds(), miss.origin_seconds() - 0.05);
  EXPECT_LE(miss.origin_seconds(), miss.total_seconds());
}

TEST_F(DeliveryRecordTest, WhatIsTooLargeForTheCacheIsABypass) {
  options_.cache.capacity_bytes = 1 << 20;
  Start();
  Put(kRecordPrefix + "720p/seg_0.m4s", Pattern(3'000'000));
  EXPECT_EQ(Get(kBase + "720p/seg_0.m4s" + kCmcd).status, 200);
  const auto records = Records(1);
  EXPECT_EQ(records[0].cache(), analytics::v1::CACHE_STATE_BYPASS);
  EXPECT_GT(records[0].origin_seconds(), 0);
  EXPECT_LE(records[0].origin_seconds(), records[0].total_seconds());
  EXPECT_EQ(records[0].bytes(), 3'000'000);
}

TEST_F(DeliveryRecordTest, ManifestsPicturesAndInfoRequests) {
  Start();
  Put(kRecordPrefix + "poster.jpg", "jpeg");
  EXPECT_EQ(Get(kBase + "master.m3u8" + kCmcd).status, 200);
  Records(1);
  EXPECT_EQ(Get(kBase + "720p/playlist.m3u8" + kCmcd).status, 200);
  Records(2);
  EXPECT_EQ(Get(kBase + "poster.jpg" + kCmcd, {}, "HEAD").status, 200);
  Records(3);
  EXPECT_EQ(Get(kBase + "poster.jpg" + kCmcd).status, 200);
  const auto records = Records(4);
  EXPECT_EQ(records[0].object(), "master.m3u8");
  EXPECT_EQ(records[0].rendition(), "");
  EXPECT_FALSE(records[0].has_segment_index());
  EXPECT_EQ(records[0].cache(), analytics::v1::CACHE_STATE_UNSPECIFIED) << "built from metadata";
  EXPECT_GT(records[0].bytes(), 0);
  EXPECT_EQ(records[1].object(), "720p/playlist.m3u8");
  EXPECT_EQ(records[1].rendition(), "720p");
  EXPECT_EQ(records[2].bytes(), 0);
  EXPECT_EQ(records[2].cache(), analytics::v1::CACHE_STATE_MISS);
  EXPECT_EQ(records[3].bytes(), 4);
}

TEST_F(DeliveryRecordTest, WithoutASessionOnlyFailuresAndSlowFetchesCount) {
  options_.deliveries.slow_origin = std::chrono::milliseconds(50);
  Start();
  Put(kRecordPrefix + "720p/seg_0.m4s", "bytes");
  Put(kRecordPrefix + "720p/seg_1.m4s", "bytes");
  EXPECT_EQ(Get(kBase + "720p/seg_0.m4s").status, 200);
  EXPECT_EQ(Get(kBase + "720p/seg_99.m4s").status, 404);
  EXPECT_EQ(Get(kBase + "720p/nothing" + kCmcd).status, 404) << "names no object, so there is no record either";
  store_->SetAway(true);
  EXPECT_EQ(Get(kBase + "720p/seg_1.m4s").status, 503);
  Records(1);
  store_->SetAway(false);
  EXPECT_EQ(Get(kBase + "720p/seg_99.m4s" + kCmcd).status, 404);
  Records(2);
  const int opens = store_->opens();
  store_->Hold();
  {
    std::jthread slow([&] { EXPECT_EQ(Get(kBase + "720p/seg_1.m4s").status, 200); });
    ASSERT_TRUE(Eventually([&] { return store_->opens() > opens; }));
    const auto held = std::chrono::steady_clock::now();
    ASSERT_TRUE(Eventually([&] { return std::chrono::steady_clock::now() - held > std::chrono::milliseconds(60); }));
    store_->Release();
  }
  const auto records = Records(3);
  ASSERT_THAT(records, SizeIs(3));
  EXPECT_EQ(records[0].status(), 503);
  EXPECT_EQ(records[0].session_id(), "");
  EXPECT_GT(records[0].origin_seconds(), 0) << "the store's retries are the origin's time";
  EXPECT_EQ(records[1].status(), 404);
  EXPECT_EQ(records[1].session_id(), "view-1");
  EXPECT_EQ(records[2].status(), 200);
  EXPECT_EQ(records[2].session_id(), "");
  EXPECT_GE(records[2].origin_seconds(), 0.05);
}

TEST_F(DeliveryRecordTest, MalformedClientDataNeverFailsARequest) {
  Start();
  Put(kRecordPrefix + "720p/seg_0.m4s", "bytes");
  const std::string queries[] = {"?CMCD=",
                                 "?CMCD",
                                 "?CMCD=%22",
                                 "?CMCD=sid%3D%22",
                                 "?CMCD=br%3Dx%2Csid%3D%22a%22",
                                 "?CMCD=%00%01%FF",
                                 "?CMCD=sid%3D%22not%20an%20id%22",
                                 "?CMCD=sid%3D%22" + std::string(65, 'a') + "%22",
                                 "?CMCD=" + std::string(5000, 'a')};
  for (const std::string& query : queries) EXPECT_EQ(Get(kBase + "720p/seg_0.m4s" + query).status, 200) << query;
  for (const char* value : {"%zz", "%", "sid", "\"", "sid=\"a", ",,,"}) {
    http::Headers headers;
    headers.Set("X-Vora-CMCD", value);
    EXPECT_EQ(Get(kBase + "720p/seg_0.m4s", headers).status, 200) << value;
    http::Headers own;
    own.Set("CMCD-Session", value);
    EXPECT_EQ(Get(kBase + "720p/seg_0.m4s", own).status, 200) << value;
  }
  EXPECT_EQ(Get(kBase + "720p/seg_0.m4s" + kCmcd).status, 200);
  EXPECT_THAT(Records(1), SizeIs(1));
}

TEST_F(DeliveryRecordTest, PlaybackTokensAndClientDataTogether) {
  options_.tokens.emplace(std::vector<auth::PlaybackKey>{{"k1", "a secret of enough bytes"}});
  Start();
  Put(kRecordPrefix + "720p/seg_0.m4s", "bytes");
  int64_t expires = 0;
  const std::string token = gateway_->access().Mint(kVideo, std::chrono::seconds(60), &expires).value();
  EXPECT_EQ(Get(kBase + "720p/seg_0.m4s" + kCmcd + "&token=" + token).status, 200);
  Records(1);
  EXPECT_EQ(Get("/t/" + token + kBase + "720p/seg_0.m4s" + kCmcd).status, 200);
  Records(2);
  EXPECT_EQ(Get(kBase + "720p/seg_0.m4s" + kCmcd).status, 401);
  const auto records = Records(3);
  EXPECT_EQ(records[1].object(), "720p/seg_0.m4s");
  EXPECT_EQ(records[1].session_id(), "view-1");
  EXPECT_EQ(records[2].status(), 401);
}

TEST_F(DeliveryRecordTest, AHangingOrDeadIngestLeavesDeliveriesAlone) {
  options_.deliveries.capacity = 50;
  Start();
  Put(kRecordPrefix + "720p/seg_0.m4s", Pattern(1000));
  for (const bool dead : {false, true}) {
    if (dead)
      ingest_.Stop();
    else
      ingest_.Hold();
    std::vector<std::chrono::steady_clock::duration> times;
    for (int i = 0; i < 200; ++i) {
      const auto began = std::chrono::steady_clock::now();
      ASSERT_EQ(Get(kBase + "720p/seg_0.m4s" + kCmcd).status, 200);
      times.push_back(std::chrono::steady_clock::now() - began);
    }
    std::sort(times.begin(), times.end());
    EXPECT_LT(times[100], std::chrono::milliseconds(50)) << (dead ? "dead" : "hanging");
    if (!dead) ingest_.Release();
  }
  EXPECT_GT(Metric("vora_gateway_delivery_records_dropped_total{reason=\"queue_full\"}"), 0);
  ingest_.Start();
  const double before = Metric("vora_gateway_delivery_records_sent_total");
  EXPECT_TRUE(Eventually([&] { return Metric("vora_gateway_delivery_records_sent_total") > before; })) << "it recovers by itself";
}

TEST_F(DeliveryRecordTest, TheLastRecordsAreSentWhenItDrains) {
  options_.deliveries.interval = std::chrono::minutes(10);
  Start();
  Put(kRecordPrefix + "720p/seg_0.m4s", "bytes");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(Get(kBase + "720p/seg_0.m4s" + kCmcd).status, 200);
  EXPECT_THAT(ingest_.records(), SizeIs(0));
  gateway_->Stop(std::chrono::seconds(5));
  EXPECT_THAT(ingest_.records(), SizeIs(3));
}

TEST_F(DeliveryRecordTest, PreflightAllowsTheHeadersOfPlayers) {
  Start();
  http::Headers headers;
  headers.Set("Origin", "http://player.example");
  headers.Set("Access-Control-Request-Headers", "cmcd-object,cmcd-request,cmcd-session,cmcd-status");
  const auto preflight = Get(kBase + "720p/seg_0.m4s", headers, "OPTIONS");
  EXPECT_EQ(preflight.status, 204);
  for (const char* name : {"CMCD-Object", "CMCD-Request", "CMCD-Session", "CMCD-Status", "Range"}) {
    EXPECT_THAT(preflight.headers.GetOr("Access-Control-Allow-Headers", ""), HasSubstr(name));
  }
}

TEST(ClientData, TheQueryGoesFirstThenTheEdgesHeaderThenThePlayersHeaders) {
  http::Request request;
  EXPECT_FALSE(ClientData(request));
  request.headers.Set("CMCD-Session", "sid=\"by-header\"");
  request.headers.Set("CMCD-Request", "bl=1000");
  EXPECT_EQ(ClientData(request)->session_id, "by-header");
  EXPECT_EQ(ClientData(request)->buffer_ms, 1000);
  request.headers.Set("X-Vora-CMCD", "sid%3D%22by-edge%22");
  EXPECT_EQ(ClientData(request)->session_id, "by-edge");
  request.query.emplace("CMCD", "sid=\"by-query\"");
  EXPECT_EQ(ClientData(request)->session_id, "by-query");
}

TEST(SegmentIndex, OfSegmentsOnly) {
  EXPECT_EQ(layout::ParseDeliveryPath("720p/seg_0.m4s")->SegmentIndex(), 0);
  EXPECT_EQ(layout::ParseDeliveryPath("r2/720p/seg_1234567.ts")->SegmentIndex(), 1'234'567);
  EXPECT_EQ(layout::ParseDeliveryPath("720p/init.mp4")->SegmentIndex(), std::nullopt);
  EXPECT_EQ(layout::ParseDeliveryPath("storyboard_3.jpg")->SegmentIndex(), std::nullopt);
}

}  // namespace
}  // namespace vora::gateway
