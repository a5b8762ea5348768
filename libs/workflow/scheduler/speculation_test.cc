#include "libs/workflow/scheduler/speculation.h"

#include <gtest/gtest.h>

namespace vora::workflow::scheduler {
namespace {

constexpr FleetSlack kIdleFleet{.idle_slots = 2, .ready = 0, .usual_pace = 1};

RunningTask Last(double elapsed_seconds) { return {.cost = 10, .elapsed_seconds = elapsed_seconds, .unfinished_in_run = 1}; }

TEST(Speculation, ATaskThatTakesTwiceTheUsualTimeIsTriedAgain) {
  EXPECT_FALSE(IsWorthSecondAttempt(Last(19), kIdleFleet));
  EXPECT_TRUE(IsWorthSecondAttempt(Last(21), kIdleFleet));
  FleetSlack slow = kIdleFleet;
  slow.usual_pace = 3;
  EXPECT_FALSE(IsWorthSecondAttempt(Last(21), slow));
  EXPECT_TRUE(IsWorthSecondAttempt(Last(61), slow));
}

TEST(Speculation, OnlyWhereItCanHelp) {
  EXPECT_FALSE(IsWorthSecondAttempt(Last(60), {.idle_slots = 0, .ready = 0, .usual_pace = 1}));
  EXPECT_FALSE(IsWorthSecondAttempt(Last(60), {.idle_slots = 2, .ready = 1, .usual_pace = 1}));
  EXPECT_FALSE(IsWorthSecondAttempt(Last(60), {.idle_slots = 2, .ready = 0, .usual_pace = 0})) << "nobody knows what is usual";
  RunningTask task = Last(60);
  task.unfinished_in_run = 4;
  EXPECT_TRUE(IsWorthSecondAttempt(task, kIdleFleet));
  task.unfinished_in_run = 5;
  EXPECT_FALSE(IsWorthSecondAttempt(task, kIdleFleet));
}

TEST(Speculation, OnlyOnce) {
  RunningTask task = Last(60);
  task.has_second_attempt = true;
  EXPECT_FALSE(IsWorthSecondAttempt(task, kIdleFleet));
}

TEST(Speculation, ASlowWorkerIsKnownFromItsPace) {
  RunningTask task = Last(1);
  task.worker_pace = 4;
  EXPECT_TRUE(IsWorthSecondAttempt(task, kIdleFleet));
  task.elapsed_seconds = 25;  // the rest takes it 15 s, another one 10 s
  EXPECT_FALSE(IsWorthSecondAttempt(task, kIdleFleet));
  task.elapsed_seconds = 41;  // its pace does not explain that
  EXPECT_TRUE(IsWorthSecondAttempt(task, kIdleFleet));
}

TEST(Speculation, ProgressSaysMore) {
  RunningTask task = Last(60);
  task.progress = 0.9;
  EXPECT_NEAR(*RemainingSeconds(task, 1), 60.0 / 9, 0.01);
  EXPECT_FALSE(IsWorthSecondAttempt(task, kIdleFleet)) << "it is nearly done";
  task.elapsed_seconds = 8;
  task.progress = 0.1;
  EXPECT_TRUE(IsWorthSecondAttempt(task, kIdleFleet));
  task.progress = 1.5;
  EXPECT_EQ(RemainingSeconds(task, 1), 0);
}

TEST(Speculation, TooLittleToGain) {
  RunningTask task = Last(1);
  task.cost = 0.3;
  EXPECT_FALSE(IsWorthSecondAttempt(task, kIdleFleet));
  task.elapsed_seconds = 2;
  EXPECT_TRUE(IsWorthSecondAttempt(task, kIdleFleet));
}

TEST(Speculation, TheSlowestFirst) {
  EXPECT_EQ(PickStraggler({Last(5), Last(25), Last(50), Last(30)}, kIdleFleet), 2u);
  EXPECT_EQ(PickStraggler({Last(5)}, kIdleFleet), std::nullopt);
  EXPECT_EQ(PickStraggler({}, kIdleFleet), std::nullopt);
}

TEST(Speculation, Median) {
  EXPECT_EQ(Median({}), 0);
  EXPECT_EQ(Median({3}), 3);
  EXPECT_EQ(Median({9, 1, 2}), 2);
}

}  // namespace
}  // namespace vora::workflow::scheduler
