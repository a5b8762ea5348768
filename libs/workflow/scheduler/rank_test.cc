#include "libs/workflow/scheduler/rank.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace vora::workflow::scheduler {
namespace {

constexpr int64_t kStart = 1'800'000'000'000'000;
constexpr int64_t kSecond = 1'000'000;

TEST(FinishRank, ARunIsDueWhenTheFleetCouldHaveDoneItThreeTimes) {
  EXPECT_EQ(FinishRank(kStart, 160, 0, 16), kStart + 30 * kSecond);
  EXPECT_EQ(FinishRank(kStart, 100, 0, 6), kStart + 50 * kSecond);
}

TEST(FinishRank, OnASmallFleetAfterItsCost) {
  for (const int slots : {-1, 0, 1, 2, 3}) EXPECT_EQ(FinishRank(kStart, 100, 0, slots), kStart + 100 * kSecond) << slots;
}

TEST(FinishRank, ShortRunsOvertakeLongOnesThatBeganLittleEarlier) {
  const int64_t film = FinishRank(kStart, 7200, 0, 4);
  EXPECT_LT(FinishRank(kStart + 5000 * kSecond, 30, 0, 4), film);
  EXPECT_GT(FinishRank(kStart + 5400 * kSecond, 30, 0, 4), film);
}

TEST(FinishRank, OfEqualRunsTheEarlierComesFirst) {
  EXPECT_LT(FinishRank(kStart, 500, 0, 4), FinishRank(kStart + 1, 500, 0, 4));
  EXPECT_EQ(FinishRank(kStart, 500, 0, 4), FinishRank(kStart, 500, 0, 4));
}

TEST(FinishRank, APointOfPriorityIsAnHour) {
  const int64_t plain = FinishRank(kStart, 500, 0, 4);
  EXPECT_EQ(FinishRank(kStart, 500, 2, 4), plain - 7200 * kSecond);
  EXPECT_EQ(FinishRank(kStart, 500, -1, 4), plain + 3600 * kSecond);
  EXPECT_EQ(FinishRank(kStart, 500, 1'000'000, 4), FinishRank(kStart, 500, 1000, 4));
  EXPECT_EQ(FinishRank(kStart, 500, -1'000'000, 4), FinishRank(kStart, 500, -1000, 4));
}

TEST(FinishRank, CostsThatAreNone) {
  const int64_t unknown = kStart + static_cast<int64_t>(kUnknownCost) * kSecond;
  for (const double cost : {0.0, -5.0, std::nan("")}) EXPECT_EQ(FinishRank(kStart, cost, 0, 1), unknown) << cost;
  for (const double cost : {86'400.0, 1e300, std::numeric_limits<double>::infinity()}) {
    EXPECT_EQ(FinishRank(kStart, cost, 0, 1), kStart + 86'400 * kSecond) << cost;
  }
}

TEST(RankAfter, IsTheDistanceOfTwoPriorities) {
  for (const double cost : {0.0, 5.0, 7200.0}) {
    EXPECT_EQ(FinishRank(1'000'000, cost, -3, 5) + RankAfter(-3, 40), FinishRank(1'000'000, cost, 40, 5));
  }
  EXPECT_EQ(RankAfter(2, 2), 0);
  EXPECT_EQ(RankAfter(2, 5000), RankAfter(2, 1000)) << "no more counts";
}

}  // namespace
}  // namespace vora::workflow::scheduler
