// What leaves ClickHouse: old days, and viewers who ask for it.
#include "services/analytics-ingest/shipper/retention.h"

#include <thread>

#include "services/analytics-ingest/shipper/shipper_fixture.h"

namespace vora::analytics {
namespace {

class LeavingTest : public ShipperTest {};

TEST_P(LeavingTest, OldDaysAreDropped) {
  StartShipper();
  for (int days_ago = 0; days_ago < 5; ++days_ago) Append(10, days_ago);
  Flush();
  ExpectExact();
  const int32_t today = DayOf(std::chrono::duration_cast<std::chrono::milliseconds>(Clock::Real().Now().time_since_epoch()).count());
  // By a clock that runs a year ahead no day is older than it is by ClickHouse's.
  EXPECT_EQ(DropOldDays(*direct_, today + 365, 30).value_or(-1), 0);
  ExpectExact();
  auto dropped = DropOldDays(*direct_, today, 2);
  ASSERT_EQ(ToText(dropped.status()), "OK");
  EXPECT_EQ(*dropped, 4);
  EXPECT_EQ(DropOldDays(*direct_, today, 2).value_or(-1), 0);
  rows_ = 30;
  sessions_ = 3;
  deltas_ = 27;
  ExpectExact();
}

TEST_P(LeavingTest, AViewersEventsAndSessionsAreErased) {
  const std::string mine(32, 'a'), earlier(32, 'b'), another(32, 'c');
  Append(10, 0, mine);
  Append(10, 1, earlier);
  Append(10, 0, mine, "other-tenant");
  Append(10, 0, another);
  Append(10);
  // A delivery of the viewer's first session, which knows no viewer.
  Event delivery;
  delivery.server_ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::Real().Now().time_since_epoch()).count();
  delivery.video_id = "video0";
  delivery.session_id = "session-1";
  delivery.type = EventType::kDelivery;
  delivery.cache = "hit";
  std::vector<std::string> lines(1);
  AppendRow(delivery, lines[0]);
  ASSERT_EQ(ToText(spool_->Append(DayOf(delivery.server_ms), lines, [](Status) {})), "OK");
  StartShipper();
  Flush();
  auto erased = EraseViewer(*direct_, "default", {mine, earlier});
  ASSERT_EQ(ToText(erased.status()), "OK");
  EXPECT_EQ(erased->sessions, 2);
  EXPECT_EQ(erased->events, 21);
  EXPECT_EQ(Ask("SELECT count() FROM playback_events WHERE session_id IN ('session-1', 'session-2')"), "0\n");
  rows_ = 30;
  sessions_ = 3;
  deltas_ = 27;
  ExpectExact();
  erased = EraseViewer(*direct_, "default", {mine, earlier});
  ASSERT_EQ(ToText(erased.status()), "OK");
  EXPECT_EQ(erased->sessions + erased->events, 0);
}

// Its events came in while the erasure ran, between the deletion of the sessions and that of the events.
TEST_P(LeavingTest, ASessionWhoseEventsAreGoneIsErasedToo) {
  const std::string mine(32, 'a'), another(32, 'c');
  Append(10, 0, mine);
  Append(10, 0, another);
  StartShipper();
  Flush();
  Ask("ALTER TABLE playback_events DELETE WHERE viewer = " + clickhouse::Quote(mine));
  while (Ask("SELECT count() FROM playback_events WHERE viewer = " + clickhouse::Quote(mine)) != "0\n") std::this_thread::yield();
  const auto erased = EraseViewer(*direct_, "default", {mine});
  ASSERT_EQ(ToText(erased.status()), "OK");
  EXPECT_EQ(erased->sessions, 1);
  rows_ = 10;
  sessions_ = 1;
  deltas_ = 9;
  ExpectExact();
}

TEST_P(LeavingTest, ABatchInDoubtMayHaveBeenErasedInPart) {
  Append(10, 0, std::string(32, 'a'));
  Append(10, 0, std::string(32, 'b'));
  DieWithASegmentInDoubt(HowFar::kInserted);
  ASSERT_EQ(ToText(EraseViewer(*direct_, "default", {std::string(32, 'a')}).status()), "OK");
  StartShipper();
  Flush();
  EXPECT_EQ(Batches("recovered"), 1);
  rows_ = 10;
  sessions_ = 1;
  deltas_ = 9;
  ExpectExact();
}

INSTANTIATE_TEST_SUITE_P(Engines, LeavingTest, testing::Values(clickhouse::TestEngine::kDebian, clickhouse::TestEngine::kCurrent),
                         EngineName);

}  // namespace
}  // namespace vora::analytics
