#include "services/analytics-ingest/spool/spool.h"

#include <algorithm>
#include <thread>

#include "libs/testing/status_matchers.h"
#include "services/analytics-ingest/spool/spool_test_fixture.h"

namespace vora::analytics {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

TEST_F(SpoolTest, WhatWasConfirmedIsTakenInOrderAndGoneWhenReleased) {
  Open();
  EXPECT_TRUE(spool_->Empty());
  EXPECT_THAT(spool_->Health(), IsOk());
  ASSERT_THAT(AppendRows({Row(1), Row(2)}), IsOk());
  ASSERT_THAT(AppendRows({Row(3)}), IsOk());
  EXPECT_FALSE(spool_->Empty());
  EXPECT_FALSE(spool_->Claim(milliseconds(0))) << "not sealed yet";
  spool_->SealNow();
  const auto segment = spool_->Claim(milliseconds(0));
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->rows, 3);
  EXPECT_EQ(segment->day, 20'000);
  EXPECT_EQ(segment->batch.size(), 32U);
  EXPECT_FALSE(segment->in_doubt);
  EXPECT_FALSE(spool_->Claim(milliseconds(0))) << "it is taken";
  EXPECT_FALSE(spool_->Empty());
  spool_->Nack(*segment);
  EXPECT_THAT(Drain(), ElementsAre(Row(1), Row(2), Row(3)));
  EXPECT_TRUE(spool_->Empty());
  EXPECT_EQ(Files(".sealed").size(), 0U);
}

TEST_F(SpoolTest, NothingThatNoEventMakesIsTaken) {
  Open();
  EXPECT_THAT(AppendRows({}), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(AppendRows({""}), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(AppendRows({Row(1, kMaxRowBytes + 1)}), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(AppendRows({Row(1, kMaxRowBytes)}), IsOk());
  EXPECT_THAT(Drain(), ElementsAre(Row(1, kMaxRowBytes)));
}

TEST_F(SpoolTest, ASegmentIsSealedByRows) {
  options_.segment_rows = 2;
  Open();
  ASSERT_THAT(AppendRows({Row(1), Row(2)}), IsOk());
  const auto first = spool_->Claim(milliseconds(10'000));
  ASSERT_TRUE(first);
  ASSERT_THAT(AppendRows({Row(3), Row(4), Row(5)}), IsOk());
  const auto second = spool_->Claim(milliseconds(10'000));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->rows, 3) << "a batch stays in one segment";
  EXPECT_GT(second->number, first->number);
  EXPECT_NE(second->batch, first->batch);
}

TEST_F(SpoolTest, ASegmentIsSealedByBytes) {
  options_.segment_bytes = 500;
  Open();
  ASSERT_THAT(AppendRows({Row(1, 250), Row(2, 250)}), IsOk());
  ASSERT_TRUE(spool_->Claim(milliseconds(10'000)));
}

TEST_F(SpoolTest, ASegmentIsSealedByAge) {
  options_.segment_age = milliseconds(20);
  Open();
  ASSERT_THAT(AppendRows({Row(1)}), IsOk());
  const auto segment = spool_->Claim(milliseconds(10'000));
  ASSERT_TRUE(segment);
  EXPECT_EQ(segment->rows, 1);
}

TEST_F(SpoolTest, WhileClickHouseIsBehindAgeDoesNotMakeSmallSegments) {
  options_.segment_age = milliseconds(1);
  Open();
  for (int i = 0; i < 100; ++i) {
    ASSERT_THAT(AppendRows({Row(i)}), IsOk());
    std::this_thread::sleep_for(milliseconds(2));  // lets them grow old; the outcome does not hang on it
  }
  EXPECT_LE(Files(".sealed").size(), 9U);
  EXPECT_EQ(Drain().size(), 100U);
}

TEST_F(SpoolTest, EveryDayHasSegmentsOfItsOwnWhicheverWayTheClockGoes) {
  Open();
  for (const int32_t day : {20'000, 20'001, 20'000, 19'000, 0, 65'535}) {
    ASSERT_THAT(AppendRows({Row(day)}, day), IsOk());
    clock_.Advance(milliseconds(-86'400'000LL * 1000));
  }
  spool_->SealNow();
  uint64_t last = 0;
  std::vector<int32_t> days;
  while (const auto segment = spool_->Claim(milliseconds(0))) {
    EXPECT_GT(segment->number, last);
    last = segment->number;
    days.push_back(segment->day);
    EXPECT_THAT(spool_->Release(*segment), IsOk());
  }
  EXPECT_THAT(days, ElementsAre(20'000, 20'001, 20'000, 19'000, 0, 65'535));
}

TEST_F(SpoolTest, AroundMidnightMixedDaysMakeTwoSegments) {
  Open();
  std::promise<void> writing, all_wait;
  ASSERT_THAT(spool_->Append(20'000, {Row(0)},
                             [&](const Status&) {
                               writing.set_value();
                               all_wait.get_future().wait();
                             }),
              IsOk());
  writing.get_future().wait();
  for (int i = 0; i < 40; ++i) ASSERT_THAT(spool_->Append(20'000 + i % 2, {Row(i)}, [](const Status&) {}), IsOk());
  all_wait.set_value();
  ASSERT_THAT(AppendRows({Row(41)}, 20'001), IsOk());
  spool_->SealNow();
  EXPECT_THAT(Files(".sealed").size(), 2U);
  EXPECT_EQ(Drain().size(), 42U);
}

TEST_F(SpoolTest, DoubtIsRememberedAndComesBackFirst) {
  options_.segment_rows = 1;
  Open();
  for (int i = 1; i <= 3; ++i) ASSERT_THAT(AppendRows({Row(i)}), IsOk());
  spool_->SealNow();
  auto first = spool_->Claim(milliseconds(0));
  ASSERT_TRUE(first);
  ASSERT_THAT(spool_->MarkInDoubt(*first), IsOk());
  ASSERT_THAT(spool_->MarkInDoubt(*first), IsOk()) << "twice is once";
  spool_->Nack(*first);
  auto again = spool_->Claim(milliseconds(0));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->number, first->number);
  EXPECT_TRUE(again->in_doubt);
  Open();
  again = spool_->Claim(milliseconds(0));
  ASSERT_TRUE(again);
  EXPECT_EQ(again->number, first->number);
  EXPECT_EQ(again->batch, first->batch);
  EXPECT_TRUE(again->in_doubt) << "also after a restart";
  ASSERT_THAT(spool_->Release(*again), IsOk());
  EXPECT_THAT(spool_->Release(*again), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Drain(), ElementsAre(Row(2), Row(3)));
}

TEST_F(SpoolTest, OneProcessAtATime) {
  Open();
  EXPECT_THAT(Spool::Open(options_, clock_, metrics_), StatusIs(StatusCode::kAlreadyExists));
}

TEST_F(SpoolTest, NumbersAreNeverUsedAgain) {
  uint64_t last = 0;
  for (int round = 0; round < 5; ++round) {
    Open();
    ASSERT_THAT(AppendRows({Row(round)}), IsOk());
    spool_->SealNow();
    const auto segment = spool_->Claim(milliseconds(0));
    ASSERT_TRUE(segment);
    EXPECT_GT(segment->number, last);
    last = segment->number;
    ASSERT_THAT(spool_->Release(*segment), IsOk());
    clock_.Advance(milliseconds(-1'000'000'000));
  }
}

TEST_F(SpoolTest, WhatWaitsIsBounded) {
  options_.max_pending_bytes = 1000;
  Open();
  EXPECT_THAT(AppendRows({Row(1, 2000)}), StatusIs(StatusCode::kInvalidArgument));
  // The first answer holds up the writer until as much waits as may.
  std::promise<void> go, all;
  ASSERT_THAT(spool_->Append(1, {Row(0, 400)}, [&](Status) { go.get_future().wait(); }), IsOk());
  int answered = 0;
  ASSERT_THAT(spool_->Append(1, {Row(1, 400)},
                             [&](Status status) {
                               EXPECT_TRUE(status.ok());
                               ++answered;
                               all.set_value();
                             }),
              IsOk());
  EXPECT_THAT(spool_->Append(1, {Row(2, 400)}, [](Status) { FAIL(); }), StatusIs(StatusCode::kResourceExhausted));
  go.set_value();
  all.get_future().wait();
  EXPECT_EQ(answered, 1);
  spool_->SealNow();
  EXPECT_THAT(AppendRows({Row(2, 400)}), IsOk());
}

TEST_F(SpoolTest, TheOldestIsDroppedWhenItIsTooMuchAndCounted) {
  options_.segment_rows = 1;
  options_.max_bytes = 1000;
  Open();
  for (int i = 0; i < 20; ++i) ASSERT_THAT(AppendRows({Row(i)}), IsOk());
  AwaitLimit();
  const std::vector<std::string> left = Drain();
  ASSERT_FALSE(left.empty());
  EXPECT_LE(left.size(), 6U);
  EXPECT_EQ(left.back(), Row(19));
  EXPECT_THAT(metrics_.Expose(), HasSubstr("vora_spool_dropped_rows_total{reason=\"size\"} " + std::to_string(20 - left.size())));
}

TEST_F(SpoolTest, ASmallLimitDropsAPartNotAll) {
  options_.max_bytes = 4 << 20;
  Open();
  for (int i = 0; i < 60; ++i) ASSERT_THAT(AppendRows(std::vector<std::string>(100, Row(i, 1000))), IsOk());
  AwaitLimit();
  const std::vector<std::string> left = Drain();
  EXPECT_GT(left.size(), 3000U);
  EXPECT_LT(left.size(), 4400U);
  EXPECT_EQ(left.back(), Row(59, 1000));
}

TEST_F(SpoolTest, WhatIsTakenIsNotDropped) {
  options_.segment_rows = 1;
  options_.max_bytes = 1000;
  Open();
  ASSERT_THAT(AppendRows({Row(0)}), IsOk());
  spool_->SealNow();
  const auto taken = spool_->Claim(milliseconds(0));
  ASSERT_TRUE(taken);
  for (int i = 1; i < 20; ++i) ASSERT_THAT(AppendRows({Row(i)}), IsOk());
  EXPECT_THAT(spool_->ReadRows(*taken, [](std::string_view row) { EXPECT_EQ(row, Row(0)); }), IsOk());
}

TEST_F(SpoolTest, WhatIsTooOldIsDroppedAndCounted) {
  options_.max_age = milliseconds(3'600'000);
  Open();
  ASSERT_THAT(AppendRows({Row(1)}), IsOk());
  spool_.reset();
  clock_.Advance(milliseconds(3'600'001));
  Open();
  ASSERT_THAT(AppendRows({Row(2)}), IsOk());
  EXPECT_THAT(Drain(), ElementsAre(Row(2)));
  EXPECT_THAT(metrics_.Expose(), HasSubstr("vora_spool_dropped_rows_total{reason=\"age\"} 1"));
}

TEST_F(SpoolTest, AClockThatGoesBackDropsNothing) {
  options_.max_age = milliseconds(60'000);
  Open();
  ASSERT_THAT(AppendRows({Row(1)}), IsOk());
  spool_.reset();
  clock_.Advance(milliseconds(-86'400'000));
  Open();
  EXPECT_THAT(Drain(), ElementsAre(Row(1)));
}

TEST_F(SpoolTest, AClockThatLeapsAheadDropsNothing) {
  options_.max_bytes = 1000;  // a look at the limits when it is reached
  Open();
  for (int i = 0; i < 10; ++i) {
    if (i == 3) clock_.Advance(30 * milliseconds(86'400'000));
    ASSERT_THAT(AppendRows({Row(i)}), IsOk());
    spool_->SealNow();
  }
  EXPECT_EQ(Drain().back(), Row(9));
  EXPECT_THAT(metrics_.Expose(), HasSubstr("vora_spool_dropped_rows_total{reason=\"age\"} 0"));
  EXPECT_THAT(metrics_.Expose(), testing::Not(HasSubstr("vora_spool_dropped_rows_total{reason=\"size\"} 0")));
}

TEST_F(SpoolTest, ClosingWritesWhatIsPending) {
  Open();
  std::atomic<int> answers = 0;
  for (int i = 0; i < 500; ++i) {
    ASSERT_THAT(spool_->Append(20'000, {Row(i)}, [&](Status status) { answers += status.ok() ? 1 : 0; }), IsOk());
  }
  spool_.reset();
  EXPECT_EQ(answers, 500);
  Open();
  std::vector<std::string> expected;
  for (int i = 0; i < 500; ++i) expected.push_back(Row(i));
  EXPECT_EQ(Drain(), expected);
}

TEST_F(SpoolTest, WithAnIntervalRowsAreSyncedLaterAndSealedSynced) {
  options_.fsync_interval = milliseconds(5);
  options_.segment_rows = 10;
  Open();
  for (int i = 0; i < 55; ++i) ASSERT_THAT(AppendRows({Row(i)}), IsOk());
  EXPECT_EQ(Drain().size(), 55U);
}

// Each thread's rows are there once, in the order in which it was told so, whatever the others and the reader do.
TEST_F(SpoolTest, ManyThreadsAppendWhileOneReads) {
  options_.segment_rows = 500;
  options_.segment_age = milliseconds(5);
  Open();
  constexpr int kThreads = 4, kBatches = 60, kRows = 20;
  std::vector<std::thread> writers;
  std::atomic<int> running = kThreads;
  for (int t = 0; t < kThreads; ++t) {
    writers.emplace_back([&, t] {
      for (int b = 0; b < kBatches; ++b) {
        std::vector<std::string> rows;
        for (int r = 0; r < kRows; ++r) rows.push_back(std::to_string(t) + ":" + std::to_string(b * kRows + r));
        EXPECT_THAT(AppendTo(*spool_, rows, 20'000 + b / 30), IsOk());
      }
      --running;
    });
  }
  std::vector<int> next(kThreads, 0);
  const auto read = [&](milliseconds wait) {
    const auto segment = spool_->Claim(wait);
    if (!segment) return false;
    EXPECT_THAT(spool_->MarkInDoubt(*segment), IsOk());
    EXPECT_THAT(spool_->ReadRows(*segment,
                                 [&](std::string_view row) {
                                   const auto thread = static_cast<size_t>(row[0] - '0');
                                   EXPECT_EQ(row.substr(2), std::to_string(next[thread]++));
                                 }),
                IsOk());
    EXPECT_THAT(spool_->Release(*segment), IsOk());
    return true;
  };
  while (running > 0) read(milliseconds(1));
  for (std::thread& writer : writers) writer.join();
  spool_->SealNow();
  while (read(milliseconds(0))) {
  }
  EXPECT_THAT(next, testing::Each(kBatches * kRows));
  EXPECT_TRUE(spool_->Empty());
}

}  // namespace
}  // namespace vora::analytics
