#include "libs/workflow/scheduler/picker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace vora::workflow::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kSecondUs = 1'000'000;

// Ids are given in the order of adding, from 0, and are the indexes too.
class PickerTest : public ::testing::Test {
 protected:
  void Add(const std::string& tenant, const std::string& run, int64_t rank, int64_t order, Stage stage = Stage::kRest, double cost = 10) {
    view_.candidates.push_back({static_cast<int64_t>(view_.candidates.size()), tenant, run, stage, rank, order, cost});
  }
  void AddMany(const std::string& tenant, int n, Stage stage = Stage::kRest, double cost = 10) {
    for (int i = 0; i < n; ++i) Add(tenant, tenant + "-run", 1, i, stage, cost);
  }
  std::vector<size_t> Pick(int n, int64_t now_us = 0) { return picker_.Pick(view_, n, now_us); }
  // How many of each tenant are picked.
  std::map<std::string, int> Share(int n, int64_t now_us = 0) {
    std::map<std::string, int> share;
    for (const size_t index : Pick(n, now_us)) ++share[view_.candidates[index].tenant];
    return share;
  }
  // Gives `of` tasks one by one, as if each had ended before the next; the tenants always have more.
  std::map<std::string, int> ShareOverTime(int of) {
    std::map<std::string, int> share;
    for (int i = 0; i < of; ++i) ++share[view_.candidates.at(Pick(1).at(0)).tenant];
    return share;
  }

  View view_;
  Picker picker_;
};

TEST_F(PickerTest, NothingIsReadyNothingIsWanted) {
  EXPECT_THAT(Pick(3), IsEmpty());
  AddMany("a", 2);
  EXPECT_THAT(Pick(0), IsEmpty());
  EXPECT_THAT(Pick(-1), IsEmpty());
  EXPECT_THAT(Pick(9), SizeIs(2));
}

TEST_F(PickerTest, TheLeastRankThenRunByRunInOrder) {
  Add("a", "y", 7, 1);
  Add("a", "x", 7, 2);
  Add("a", "y", 7, 0);
  Add("a", "x", 7, 1);
  Add("a", "z", 5, 9);
  EXPECT_THAT(Pick(5), ElementsAre(4, 3, 1, 2, 0));
}

TEST_F(PickerTest, ATaskThatIsListedTwiceIsPickedOnce) {
  Add("a", "x", 7, 1);
  view_.candidates.push_back(view_.candidates[0]);
  EXPECT_THAT(Pick(5), ElementsAre(0));
}

TEST_F(PickerTest, AnEighthGoesToFirstPlaysAheadOfTheirTurn) {
  for (int i = 0; i < 80; ++i) Add("a", "begun", 1, i);
  for (int i = 0; i < 80; ++i) Add("a", "later" + std::to_string(100 + i), 2, 0, Stage::kFirstPlay);
  const std::vector<size_t> picked = Pick(80);
  EXPECT_EQ(std::count_if(picked.begin(), picked.end(), [](size_t index) { return index >= 80; }), 10);
  EXPECT_EQ(picked[0], 0u);  // not before the share is earned
}

TEST_F(PickerTest, AFirstPlayInItsTurnIsNotHeldBack) {
  Add("a", "x", 1, 0, Stage::kFirstPlay);
  Add("a", "x", 1, 1, Stage::kFirstPlay);
  Add("a", "x", 1, 2);
  Add("a", "y", 2, 0, Stage::kFirstPlay);
  EXPECT_THAT(Pick(3), ElementsAre(0, 1, 3));  // by now y has earned it
}

TEST_F(PickerTest, ALongFirstPlayIsPaidForAfterwards) {
  for (int i = 0; i < 200; ++i) Add("a", "begun", 1, i);
  Add("a", "film", 2, 0, Stage::kFirstPlay, 140);
  Add("a", "next", 3, 0, Stage::kFirstPlay, 10);
  const std::vector<size_t> picked = Pick(150);
  const auto place = [&](size_t index) { return std::find(picked.begin(), picked.end(), index) - picked.begin(); };
  EXPECT_EQ(place(200), 1);
  EXPECT_NEAR(static_cast<double>(place(201)), 100, 3);  // 140 of an eighth are 980 of the rest
}

TEST_F(PickerTest, QuietTimesSaveUpLittleFirstPlay) {
  AddMany("a", 1000);
  Pick(1000);
  for (int i = 0; i < 50; ++i) Add("a", "later", 2, i, Stage::kFirstPlay);
  const std::vector<size_t> picked = Pick(10);
  EXPECT_LE(std::count_if(picked.begin(), picked.end(), [](size_t index) { return index >= 1000; }), 4);
}

TEST_F(PickerTest, TenantsShareByWeightAndCost) {
  AddMany("a", 100, Stage::kRest, 10);
  AddMany("b", 100, Stage::kRest, 20);
  EXPECT_EQ(ShareOverTime(90), (std::map<std::string, int>{{"a", 60}, {"b", 30}}));
  view_.tenants["b"].weight = 4;
  EXPECT_EQ(ShareOverTime(90), (std::map<std::string, int>{{"a", 30}, {"b", 60}}));
}

TEST_F(PickerTest, WhatRunsCounts) {
  AddMany("a", 10);
  AddMany("b", 10);
  view_.tenants["a"] = {.running = 8, .running_cost = 80};
  EXPECT_EQ(Share(4), (std::map<std::string, int>{{"b", 4}}));
}

TEST_F(PickerTest, ATenantWithoutWorkSavesNothingUp) {
  AddMany("a", 100);
  ShareOverTime(50);
  AddMany("b", 100);
  EXPECT_EQ(ShareOverTime(20), (std::map<std::string, int>{{"a", 10}, {"b", 10}}));
}

TEST_F(PickerTest, ATenantAtItsLimitSavesNothingUp) {
  AddMany("a", 100);
  AddMany("b", 100);
  view_.tenants["b"].limits.max_running = view_.tenants["b"].running = 1;
  EXPECT_EQ(ShareOverTime(40), (std::map<std::string, int>{{"a", 40}}));
  view_.tenants["b"].running = 0;
  view_.tenants["b"].limits.max_running = 0;
  EXPECT_EQ(ShareOverTime(20), (std::map<std::string, int>{{"a", 10}, {"b", 10}}));
}

TEST_F(PickerTest, TasksWithoutCostAreNotFree) {
  AddMany("a", 100, Stage::kRest, 0);
  AddMany("b", 100, Stage::kRest, 0);
  EXPECT_EQ(ShareOverTime(20), (std::map<std::string, int>{{"a", 10}, {"b", 10}}));
}

TEST_F(PickerTest, AWeightOfNothingIsALittle) {
  AddMany("a", 3);
  view_.tenants["a"].weight = 0;
  EXPECT_THAT(Pick(3), SizeIs(3));
}

TEST_F(PickerTest, NoMoreThanMayRun) {
  AddMany("a", 10);
  AddMany("b", 10);
  view_.tenants["a"] = {.running = 1, .limits = {.max_running = 3}};
  EXPECT_EQ(Share(20), (std::map<std::string, int>{{"a", 2}, {"b", 10}}));
  view_.queue = {.running = 95, .limits = {.max_running = 100}};
  EXPECT_THAT(Pick(20), SizeIs(5));
  view_.queue.running = 101;
  EXPECT_THAT(Pick(20), IsEmpty());
}

TEST_F(PickerTest, StartsOfATenantAreLimited) {
  AddMany("a", 100);
  AddMany("b", 3);
  view_.tenants["a"].limits.max_starts_per_second = 4;
  EXPECT_EQ(Share(20), (std::map<std::string, int>{{"a", 4}, {"b", 3}}));
  view_.candidates.resize(100);
  EXPECT_THAT(Pick(20), IsEmpty());
  EXPECT_THAT(Pick(20, kSecondUs / 2), SizeIs(2));
  EXPECT_THAT(Pick(20, 100 * kSecondUs), SizeIs(4));
}

TEST_F(PickerTest, StartsOfAQueueAreLimited) {
  AddMany("a", 100);
  view_.queue.limits.max_starts_per_second = 0.5;
  EXPECT_THAT(Pick(20), SizeIs(1));
  EXPECT_THAT(Pick(20, kSecondUs), IsEmpty());
  EXPECT_THAT(Pick(20, 2 * kSecondUs), SizeIs(1));
}

TEST_F(PickerTest, ForgettingATenantCostsNothing) {
  AddMany("gone", 10);
  Pick(10);
  view_.candidates.clear();
  AddMany("a", 100);
  for (int hour = 0; hour < 5; ++hour) Pick(10, hour * 3600 * kSecondUs);
  AddMany("gone", 100);
  EXPECT_EQ(ShareOverTime(20), (std::map<std::string, int>{{"a", 10}, {"gone", 10}}));
}

TEST(FairShare, OneEachWhileOthersWait) {
  EXPECT_EQ(FairShare(4, 6), 1);
  EXPECT_EQ(FairShare(3, 5), 1);
  EXPECT_EQ(FairShare(2, 4), 2);
  EXPECT_EQ(FairShare(1, 2), 2);
}

TEST(FairShare, AtItsBounds) {
  EXPECT_EQ(FairShare(4, 0), 0);
  EXPECT_EQ(FairShare(4, -1), 0);
  EXPECT_EQ(FairShare(10, 3), 1);
  EXPECT_EQ(FairShare(0, 7), 7);
}

}  // namespace
}  // namespace vora::workflow::scheduler
