// What may go wrong on the way into ClickHouse. Every test ends in exact counts in both tables.
#include <random>
#include <sstream>
#include <thread>

#include "libs/testing/status_matchers.h"
#include "services/analytics-ingest/shipper/schema.h"
#include "services/analytics-ingest/shipper/shipper_fixture.h"

namespace vora::analytics {
namespace {

TEST_P(ShipperTest, EachSegmentIsOnePart) {
  StartShipper();
  Append(90'000);
  Append(60'000);
  Flush();
  EXPECT_EQ(PartsInserted(), "1\n");
  Append(100);
  Flush();
  Append(100, 1);
  Flush();
  EXPECT_EQ(PartsInserted(), "3\n");
  EXPECT_EQ(Batches("shipped"), 3);
  EXPECT_EQ(Ask("SELECT uniqExact(batch), countIf(event_date != toDate(intDiv(server_ms, 86400000))) FROM playback_events"), "3\t0\n");
  ExpectExact();
}

TEST_P(ShipperTest, AnInsertWhoseAnswerIsLostIsNotRepeated) {
  StartShipper();
  Append(10);
  Flush();
  // The answer to the insert itself, after its `100 Continue`.
  gate_->CutAnswers(1, 0, 1);
  Append(1000);
  Flush();
  EXPECT_EQ(gate_->cut(), 1);
  EXPECT_EQ(Batches("recovered"), 1);
  ExpectExact();
}

// Nothing read is not the number 0.
TEST_P(ShipperTest, AnAnswerThatIsCutIsNoAnswer) {
  const std::string sql = "SELECT count() FROM system.one";
  for (const int bytes : {20, 40}) {
    ASSERT_EQ(client_->Query(sql, {{"database", "system"}}).value_or("?"), "1\n");
    gate_->CutAnswers(1, bytes);
    const auto cut = client_->Query(sql, {{"database", "system"}});
    EXPECT_THAT(cut, StatusIs(StatusCode::kUnavailable)) << cut.value_or("?");
    EXPECT_EQ(gate_->cut(), bytes / 20);
  }
}

TEST_P(ShipperTest, AnInsertCutBeforeItsRowsIsRepeatedAtOnce) {
  options_.begin_within = std::chrono::hours(1);  // anything in doubt would wait that long
  StartShipper();
  Append(10);
  Flush();
  gate_->CutAnswers(2, 25);  // after `HTTP/1.1 100 Continue`
  bulky_ = true;
  Append(50'000);
  Flush();
  EXPECT_EQ(gate_->cut(), 2);
  EXPECT_EQ(Batches("shipped"), 2);
  ExpectExact();
}

TEST_P(ShipperTest, ADaemonThatDiedBeforeTheInsert) {
  Append(500);
  DieWithASegmentInDoubt(HowFar::kMarked);
  options_.begin_within = std::chrono::seconds(2);
  StartShipper();
  Append(7);
  Flush();
  EXPECT_EQ(Batches("shipped"), 2);
  ExpectExact();
}

TEST_P(ShipperTest, ADaemonThatDiedAfterTheInsert) {
  Append(500);
  DieWithASegmentInDoubt(HowFar::kInserted);
  StartShipper();
  Append(7);
  Flush();
  EXPECT_EQ(Batches("recovered"), 1);
  ExpectExact();
}

TEST_P(ShipperTest, AViewThatMissedItsBatchIsMadeUpFor) {
  ASSERT_EQ(ToText(Migrate(*client_)), "OK");
  Ask("DROP TABLE playback_sessions_mv");
  Append(500);
  DieWithASegmentInDoubt(HowFar::kInserted);
  EXPECT_EQ(Ask("SELECT count() FROM playback_sessions"), "0\n");
  Ask("CREATE MATERIALIZED VIEW playback_sessions_mv TO playback_sessions AS " + ViewSelect());
  StartShipper();
  Append(500);
  Flush();
  ExpectExact();
}

TEST_P(ShipperTest, AnInsertThatComesToLifeTooLateIsRefused) {
  ASSERT_EQ(ToText(Migrate(*client_)), "OK");
  Append(500);
  options_.begin_within = std::chrono::seconds(-3);
  spool_->SealNow();
  auto segment = spool_->Claim(kLong);
  ASSERT_TRUE(segment.has_value());
  Shipment late(*segment);
  const Status refused = SegmentShipper(*spool_, *client_, options_).Try(late, kLong).status();
  EXPECT_THAT(refused, StatusIs(StatusCode::kAborted)) << ToText(refused);
  EXPECT_EQ(Ask("SELECT count() FROM playback_events"), "0\n");
  EXPECT_EQ(Ask("SELECT count() FROM playback_sessions"), "0\n");
  spool_->Nack(late.segment);
  options_.begin_within = std::chrono::seconds(2);
  StartShipper();
  Flush();
  ExpectExact();
}

TEST_P(ShipperTest, ClickHouseKilledAgainAndAgain) {
  StartShipper();
  std::thread viewers([&] {
    for (int i = 0; i < 60; ++i) {
      Append(2000);
      spool_->SealNow();
    }
  });
  std::mt19937 random(4711);
  for (int i = 0; i < 4; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(random() % 400));  // where it strikes is up to chance
    Server().Kill();
    Server().Start();
  }
  viewers.join();
  Flush();
  ExpectExact();
}

TEST_P(ShipperTest, ClickHouseStandsStillAndComesBack) {
  options_.insert_timeout = std::chrono::milliseconds(300);
  clickhouse::Options hasty = client_->options();
  hasty.timeout = std::chrono::milliseconds(300);
  client_ = std::make_unique<clickhouse::Client>(hasty);
  StartShipper();
  Append(10);
  Flush();
  for (int i = 0; i < 3; ++i) {
    const double failed = Batches("failed");
    Server().Suspend();
    Append(3000);
    EXPECT_THAT(shipper_->Flush(std::chrono::milliseconds(400)), ::testing::Not(IsOk()));
    while (Batches("failed") < failed + 2) std::this_thread::yield();
    Server().Resume();
  }
  Flush();
  ExpectExact();
}

TEST_P(ShipperTest, ClickHouseIsAwayWhenTheDaemonStarts) {
  Server().Kill();
  StartShipper();
  for (int i = 0; i < 30; ++i) {
    Append(10);
    spool_->SealNow();
  }
  while (Batches("failed") < 3) std::this_thread::yield();
  EXPECT_THAT(shipper_->Flush(std::chrono::milliseconds(200)), StatusIs(StatusCode::kUnavailable));
  Server().Start();
  Flush();
  EXPECT_EQ(Batches("shipped"), 30);
  ExpectExact();
}

TEST_P(ShipperTest, ARefusalLosesNothing) {
  StartShipper();
  Append(10);
  Flush();
  Ask("ALTER TABLE playback_events DROP COLUMN object");
  Append(10);
  Append(10);
  spool_->SealNow();
  while (Batches("failed") < 3) std::this_thread::yield();
  Ask("ALTER TABLE playback_events ADD COLUMN object String");
  Flush();
  EXPECT_EQ(Batches("quarantined"), 0);
  ExpectExact();
}

// Takes no row of `sessions`: a wrong value (INVALID_ARGUMENT), or a guard that strikes (ABORTED, as if it might pass).
std::string Poison(const std::string& sessions, bool for_ever) {
  const std::string mine = "session_id IN (" + sessions + ")";
  return "ALTER TABLE playback_events ADD COLUMN poison UInt8 MATERIALIZED " +
         (for_ever ? "toUInt8(if(" + mine + ", 'x', '1'))" : "throwIf(" + mine + ")");
}

TEST_P(ShipperTest, WhatIsRefusedWhileOthersPassIsQuarantined) {
  StartShipper();
  Append(10);
  Flush();
  Ask(Poison("'session-2'", true));
  for (int i = 0; i < 5; ++i) {
    Append(10);
    spool_->SealNow();
  }
  Flush();
  EXPECT_EQ(Batches("quarantined"), 1);
  EXPECT_EQ(Batches("shipped"), 5);
  rows_ -= 10;
  deltas_ -= 9;
  --sessions_;
  ExpectExact();
  int kept = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_.path())) kept += file.path().extension() == ".damaged" ? 1 : 0;
  EXPECT_EQ(kept, 1);
}

TEST_P(ShipperTest, OneThatFailsDoesNotHoldUpOthers) {
  StartShipper();
  Append(10);
  Flush();
  Ask(Poison("'session-2'", false));
  for (int i = 0; i < 5; ++i) {
    Append(10);
    spool_->SealNow();
  }
  while (Batches("shipped") < 5) std::this_thread::yield();
  Ask("ALTER TABLE playback_events DROP COLUMN poison");
  Flush();
  EXPECT_EQ(Batches("quarantined"), 0);
  ExpectExact();
}

TEST_P(ShipperTest, SeveralThatFailDoNotHoldUpOthers) {
  StartShipper();
  Append(10);
  Flush();
  Ask(Poison("'session-2', 'session-3', 'session-4', 'session-5'", false));
  for (int i = 0; i < 8; ++i) {
    Append(10);
    spool_->SealNow();
  }
  const auto until = std::chrono::steady_clock::now() + kLong;
  while (Batches("shipped") < 5 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(Batches("shipped"), 5);
  Ask("ALTER TABLE playback_events DROP COLUMN poison");
  Flush();
  EXPECT_EQ(Batches("quarantined"), 0);
  ExpectExact();
}

TEST_P(ShipperTest, TablesThatAreGoneAreMadeAnew) {
  StartShipper();
  Append(10);
  Flush();
  Ask("DROP DATABASE " + direct_options_.database);
  rows_ = sessions_ = deltas_ = 0;
  Append(20);
  Flush();
  ExpectExact();
}

TEST_P(ShipperTest, StopsInTimeAndGoesOnLater) {
  StartShipper();
  Append(10);
  Flush();
  Server().Suspend();
  Append(3000);
  spool_->SealNow();
  const auto begin = std::chrono::steady_clock::now();
  shipper_->Stop(std::chrono::milliseconds(300));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(3));
  Server().Resume();
  OpenSpool();
  options_.begin_within = std::chrono::seconds(2);
  StartShipper();
  Flush();
  // What is there when the daemon is asked to end goes out first.
  Append(40);
  shipper_->Stop(kLong);
  ExpectExact();
}

// A server that dies between noting a block's token and showing its part takes the repeated block for a duplicate.
TEST_P(ShipperTest, ABatchWhoseTokenIsKnownButNotItsRows) {
  Append(500);
  DieWithASegmentInDoubt(HowFar::kInserted);
  std::istringstream parts(
      Ask("SELECT path FROM system.parts WHERE active AND table IN ('playback_events', 'playback_sessions') AND database = " +
          clickhouse::Quote(direct_options_.database) + " FORMAT TabSeparatedRaw"));
  Server().Kill();
  for (std::string part; std::getline(parts, part);) std::filesystem::remove_all(part);
  Server().Start();
  ASSERT_EQ(Ask("SELECT count() FROM playback_events"), "0\n");
  options_.begin_within = std::chrono::seconds(2);
  StartShipper();
  Append(7);
  Flush();
  ExpectExact();
}

INSTANTIATE_TEST_SUITE_P(Engines, ShipperTest, testing::Values(clickhouse::TestEngine::kDebian, clickhouse::TestEngine::kCurrent),
                         EngineName);

}  // namespace
}  // namespace vora::analytics
