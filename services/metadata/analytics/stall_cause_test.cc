#include "services/metadata/analytics/stall_cause.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vora::metadata {
namespace {

namespace an = analytics::v1;
using ::testing::HasSubstr;

ViewEvent Event(const std::string& type, int64_t at_ms, int64_t duration_ms) {
  ViewEvent event;
  event.type = type;
  event.server_ms = at_ms;
  event.player_ms = type == "delivery" ? 0 : at_ms - 50;
  event.duration_ms = duration_ms;
  return event;
}

// A stall that ended at second 100, 4 s long.
ViewEvent AStall() { return Event("stall", 100'000, 4000); }

ViewEvent Fetch(int64_t end_ms, int64_t duration_ms, int64_t segment) {
  ViewEvent event = Event("segment_fetched", end_ms, duration_ms);
  event.rendition = "720p";
  event.segment_index = segment;
  return event;
}

ViewEvent Delivery(int64_t begin_ms, int64_t total_ms, int64_t origin_ms, const std::string& cache, int64_t segment, int64_t status = 200) {
  ViewEvent event = Event("delivery", begin_ms, total_ms);
  event.sequence = -5;
  event.rendition = "720p";
  event.segment_index = segment;
  event.origin_ms = origin_ms;
  event.cache = cache;
  event.status = status;
  event.object = "720p/seg_" + std::to_string(segment) + ".m4s";
  return event;
}

struct StallCase {
  std::string name;
  std::vector<ViewEvent> around;
  an::StallCause cause;
  std::string reason;  // a part of it
};

class StallCauseTest : public testing::TestWithParam<StallCase> {};

TEST_P(StallCauseTest, IsFound) {
  std::vector<ViewEvent> events = GetParam().around;
  events.push_back(AStall());
  for (int order = 0; order < 2; ++order) {
    const auto stalls = ExplainStalls(events);
    ASSERT_EQ(stalls.size(), 1u);
    EXPECT_EQ(an::StallCause_Name(stalls[0].cause()), an::StallCause_Name(GetParam().cause)) << stalls[0].reason();
    EXPECT_THAT(stalls[0].reason(), HasSubstr(GetParam().reason));
    EXPECT_DOUBLE_EQ(stalls[0].duration_seconds(), 4);
    EXPECT_EQ(stalls[0].time().seconds(), 96);
    std::reverse(events.begin(), events.end());
  }
}

INSTANTIATE_TEST_SUITE_P(
    Table, StallCauseTest,
    testing::Values(
        StallCase{"SlowStore",
                  {Fetch(99'900, 4300, 3), Delivery(95'700, 4200, 4100, "miss", 3)},
                  an::STALL_CAUSE_ORIGIN,
                  "720p/seg_3.m4s took 4.2 s, of which the object store 4.1 s"},
        StallCase{"SlowStoreWithoutFetch", {Delivery(95'700, 4200, 4100, "miss", 3)}, an::STALL_CAUSE_ORIGIN, "object store 4.1 s"},
        StallCase{"StoreFailed", {Delivery(96'500, 900, 800, "miss", 3, 502)}, an::STALL_CAUSE_ORIGIN, "answered 502 after 0.9 s"},
        StallCase{
            "StoreFailedSlowlyAs503", {Delivery(96'500, 2900, 2800, "miss", 3, 503)}, an::STALL_CAUSE_ORIGIN, "the object store failed"},
        StallCase{"GatewayRefused", {Delivery(96'500, 2, 0, "", 3, 503)}, an::STALL_CAUSE_CACHE, "answered 503"},
        StallCase{"WaitedForAnother",
                  {Fetch(99'900, 4300, 3), Delivery(95'700, 4200, 4100, "coalesced", 3)},
                  an::STALL_CAUSE_CACHE,
                  "waiting for a fetch that another request had begun"},
        StallCase{"SlowGateway",
                  {Fetch(99'900, 4300, 3), Delivery(95'700, 4200, 90, "miss", 3)},
                  an::STALL_CAUSE_CACHE,
                  "took 4.2 s at the gateway"},
        StallCase{"SlowNetworkBehindMiss",
                  {Fetch(99'900, 4300, 3), Delivery(95'700, 80, 60, "miss", 3)},
                  an::STALL_CAUSE_NETWORK,
                  "took 4.3 s to arrive, but the gateway had handed it over within 0.08 s"},
        StallCase{"SlowNetworkBehindEdge", {Fetch(99'900, 4300, 3)}, an::STALL_CAUSE_NETWORK, "720p segment 3 took 4.3 s to arrive"},
        StallCase{"SlowHandover", {Fetch(99'900, 4300, 3), Delivery(95'700, 4200, 0, "hit", 3)}, an::STALL_CAUSE_NETWORK, "in memory"},
        StallCase{"FetchLongerThanTheStall", {Fetch(99'900, 12'000, 3)}, an::STALL_CAUSE_NETWORK, "took 12.0 s"},
        StallCase{"EverythingHadArrived", {Fetch(97'000, 120, 3), Fetch(98'000, 90, 4)}, an::STALL_CAUSE_PLAYER, "everything had arrived"},
        StallCase{"QuickDeliveriesAndFetches",
                  {Fetch(97'000, 120, 3), Delivery(96'900, 60, 40, "miss", 3)},
                  an::STALL_CAUSE_PLAYER,
                  "the slowest fetch around it, took 0.1 s of the 4.0 s"},
        StallCase{"NothingKnown", {}, an::STALL_CAUSE_UNSPECIFIED, "no fetch"},
        StallCase{"LongBefore", {Fetch(60'000, 9000, 1), Delivery(50'000, 9000, 9000, "miss", 1)}, an::STALL_CAUSE_UNSPECIFIED, "no fetch"},
        // The store was slow for another segment, whose fetch nobody waited for.
        StallCase{"AnotherSegmentWasSlow",
                  {Fetch(99'900, 4300, 3), Delivery(95'700, 80, 60, "miss", 3), Delivery(98'000, 2500, 2400, "miss", 9)},
                  an::STALL_CAUSE_NETWORK,
                  "seg_3.m4s"}),
    [](const auto& info) { return info.param.name; });

TEST(StallCauseOrderTest, BatchesThatCameLateAreSetRightByThePlayersClock) {
  // The player's clock is an hour ahead; its batch of the stall was sent 20 s late, an earlier event at once.
  ViewEvent early = Event("play", 10'000, 300);
  early.player_ms = 10'000 + 3600'000;
  ViewEvent late = AStall();
  late.player_ms = late.server_ms + 3600'000;
  late.server_ms += 20'000;
  const auto stalls = ExplainStalls({early, late, Delivery(95'700, 4200, 4100, "miss", 3)});
  ASSERT_EQ(stalls.size(), 1u);
  EXPECT_EQ(stalls[0].cause(), an::STALL_CAUSE_ORIGIN) << stalls[0].reason();
  EXPECT_EQ(stalls[0].time().seconds(), 96);
}

TEST(StallCauseOrderTest, AStallThatNamesItsSegmentIsJudgedByIt) {
  ViewEvent stall = AStall();
  stall.segment_index = 3;
  const auto stalls = ExplainStalls({Fetch(99'900, 4300, 3), Fetch(99'950, 4350, 9), Delivery(95'600, 4340, 4300, "miss", 9), stall});
  ASSERT_EQ(stalls.size(), 1u);
  EXPECT_EQ(stalls[0].cause(), an::STALL_CAUSE_NETWORK);
}

TEST(StallCauseOrderTest, OldestFirst) {
  ViewEvent second = Event("stall", 200'000, 1000);
  const auto stalls = ExplainStalls({second, AStall()});
  ASSERT_EQ(stalls.size(), 2u);
  EXPECT_LT(stalls[0].time().seconds(), stalls[1].time().seconds());
}

}  // namespace
}  // namespace vora::metadata
