// The core under all that can go wrong around it, in virtual time. VORA_SIMULATION_SCHEDULES: how many schedules, for example 100000;
// VORA_SIMULATION_SEED: the first. One that fails is named, and fails again with VORA_SIMULATION_SEED=<it> VORA_SIMULATION_SCHEDULES=1.

#include <gtest/gtest.h>

#include <cstdlib>

#include "libs/workflow/core/testing/engine_simulation.h"

namespace vora::workflow::simulation {
namespace {

uint64_t FromEnvironment(const char* name, uint64_t usual) {
  const char* value = std::getenv(name);
  return value ? std::strtoull(value, nullptr, 10) : usual;
}

TEST(CoreSimulation, NothingIsLostAndNothingIsDoneTwice) {
  const uint64_t schedules = FromEnvironment("VORA_SIMULATION_SCHEDULES", 3000);
  const uint64_t first = FromEnvironment("VORA_SIMULATION_SEED", 1);
  SimulationCounts all;
  for (uint64_t seed = first; seed < first + schedules; ++seed) {
    const SimulationReport report = Simulate({.seed = seed});
    ASSERT_EQ(report.broken, "") << "seed " << seed << "\n" << report.Text();
    all.Add(report.counts);
  }
  RecordProperty("simulated", all.Text());
  if (schedules < 1000) return;
  // A simulation in which nothing goes wrong says nothing.
  const auto many = static_cast<int64_t>(schedules);
  EXPECT_GT(all.transactions, 5 * many) << all.Text();
  EXPECT_GT(all.shared, many) << all.Text();
  EXPECT_GT(all.lost, many) << all.Text();
  EXPECT_GT(all.doubled, many) << all.Text();
  EXPECT_GT(all.crashes, many) << all.Text();
  EXPECT_GT(4 * all.deaths, many) << all.Text();
  EXPECT_GT(4 * all.rolled_back, many) << all.Text();
  EXPECT_GT(4 * all.in_doubt, many) << all.Text();
  EXPECT_GT(4 * all.tried_again, many) << all.Text();
  EXPECT_GT(4 * all.stale, many) << all.Text();
  EXPECT_GT(2 * all.paused, many) << all.Text();
  EXPECT_GT(100 * all.handed_back, many) << all.Text();
  EXPECT_GT(2 * all.compared, many) << all.Text();
  EXPECT_GT(4 * all.seconds, many) << all.Text();
  EXPECT_GT(20 * all.won, many) << all.Text();
}

TEST(CoreSimulation, ASeedGivesTheSameTraceToTheLastByte) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const SimulationReport first = Simulate({.seed = seed, .whole_trace = true}), second = Simulate({.seed = seed, .whole_trace = true});
    ASSERT_EQ(first.Text(), second.Text()) << "seed " << seed;
    ASSERT_EQ(first.counts.Text(), second.counts.Text()) << "seed " << seed;
  }
  EXPECT_NE(Simulate({.seed = 1, .whole_trace = true}).Text(), Simulate({.seed = 2, .whole_trace = true}).Text());
}

class PlantedFaultTest : public ::testing::TestWithParam<PlantedFault> {};

TEST_P(PlantedFaultTest, IsFound) {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    const SimulationReport report = Simulate({.seed = seed, .fault = GetParam()});
    if (report.broken.empty()) continue;
    EXPECT_EQ(Simulate({.seed = seed, .fault = GetParam()}).Text(), report.Text());
    EXPECT_EQ(Simulate({.seed = seed}).broken, "") << "not by what was planted";
    return;
  }
  FAIL() << "not found in 2000 schedules";
}

INSTANTIATE_TEST_SUITE_P(Core, PlantedFaultTest,
                         ::testing::Values(PlantedFault::kForgetsEndedTask, PlantedFault::kForgetsLosses, PlantedFault::kForgetsParking,
                                           PlantedFault::kForgetsInboxConsumed, PlantedFault::kReadsInboxBackwards,
                                           PlantedFault::kFiresTimersTwice, PlantedFault::kTakesSignalsTwice, PlantedFault::kTearsRollback,
                                           PlantedFault::kKeepsRolledBackReplayer, PlantedFault::kAnswersBeforeCommit,
                                           PlantedFault::kTakesStaleReports, PlantedFault::kForgetsPauseOfNewTasks,
                                           PlantedFault::kForgetsReleases, PlantedFault::kForgetsEndedSecond, PlantedFault::kForgetsSwap,
                                           PlantedFault::kForgetsSecond));

}  // namespace
}  // namespace vora::workflow::simulation
