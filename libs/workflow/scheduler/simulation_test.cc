// The figures that the scheduler promises, on simulated fleets.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "libs/workflow/scheduler/testing/simulated_fleet.h"

namespace vora::workflow::scheduler {
namespace {

std::vector<VideoSpec> Import(int videos, const std::string& tenant = "t") { return std::vector<VideoSpec>(videos, VideoSpec{tenant}); }

VideoSpec Film(double arrival) { return {"t", arrival, 720, 10, 144, 0}; }

// Clips of 1 to 6 groups, at random times up to `until`, that alone take `load` of `workers`.
std::vector<VideoSpec> Clips(double load, double workers, double until, uint64_t seed) {
  std::mt19937_64 random(seed);
  std::exponential_distribution<> pause(load * workers / 37.8);
  std::vector<VideoSpec> clips;
  for (double at = pause(random); at < until; at += pause(random)) clips.push_back({"t", at, 1 + static_cast<int>(random() % 6), 10, 2, 0});
  return clips;
}

FleetOptions Fleet(size_t workers, Order order = Order::kPicker) {
  FleetOptions options;
  options.speeds = Workers(workers);
  options.order = order;
  return options;
}

FleetResult RunFleet(FleetOptions options, const std::vector<VideoSpec>& videos) {
  FleetResult result = Simulate(options, videos);
  EXPECT_EQ(result.broken, "") << "seed " << options.seed;
  EXPECT_EQ(result.lost, 0) << "seed " << options.seed;
  EXPECT_EQ(result.repeated, 0) << "seed " << options.seed;
  return result;
}

TEST(SchedulerSimulation, EarlyChunksFirstAcrossVideosIsWhatItReplaces) {
  EXPECT_EQ(RunFleet(Fleet(1, Order::kIndexFirst), Import(40)).groups_before_first_ready, 401);
}

TEST(SchedulerSimulation, AnImportIsFinishedVideoByVideoAndPlayableEarly) {
  for (const size_t workers : {1, 4, 16, 64}) {
    SCOPED_TRACE(::testing::Message() << workers << " workers");
    const FleetResult result = RunFleet(Fleet(workers), Import(40));
    const FleetResult best = RunFleet(Fleet(workers, Order::kShortestRemaining), Import(40));
    const FleetResult strict = RunFleet(Fleet(workers, Order::kFinishFirst), Import(40));
    const int in_flight = workers == 1 ? 0 : static_cast<int>(workers);
    // 64 workers begin two rounds before anything can be published, in any order.
    EXPECT_LE(result.groups_before_first_ready, std::max(15 + in_flight, strict.groups_before_first_ready));
    EXPECT_LE(result.MeanReady(), 1.05 * best.MeanReady());
    EXPECT_LT(result.MeanPlayable(), 0.95 * strict.MeanPlayable());
  }
}

TEST(SchedulerSimulation, AnImportSurvivesDeathsOfWorkers) {
  constexpr int kSeeds = 20;
  for (const size_t workers : {1, 4, 16}) {
    double ready = 0, best_ready = 0, first = 0;
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      SCOPED_TRACE(::testing::Message() << workers << " workers, seed " << seed);
      FleetOptions options = Fleet(workers), best = Fleet(workers, Order::kShortestRemaining);
      options.seed = best.seed = seed;
      options.mean_life = best.mean_life = 300;
      const FleetResult result = RunFleet(options, Import(40));
      EXPECT_GT(result.deaths, 0);
      EXPECT_EQ(result.Ready(), 40);
      first += result.groups_before_first_ready;
      ready += result.MeanReady();
      best_ready += RunFleet(best, Import(40)).MeanReady();
    }
    EXPECT_LE(first / kSeeds, 1.1 * (15 + (workers == 1 ? 0 : static_cast<double>(workers)))) << workers << " workers";
    EXPECT_LE(ready, 1.1 * best_ready) << workers << " workers";
  }
}

TEST(SchedulerSimulation, AnImportBearsCostsThatAreWrong) {
  double ready = 0, best_ready = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    FleetOptions options = Fleet(4), best = Fleet(4, Order::kShortestRemaining);
    options.seed = best.seed = seed;
    options.cost_error = best.cost_error = 0.5;
    const FleetResult result = RunFleet(options, Import(40));
    EXPECT_LE(result.groups_before_first_ready, 15 + 4 + 3) << "seed " << seed;
    ready += result.MeanReady();
    best_ready += RunFleet(best, Import(40)).MeanReady();
  }
  EXPECT_LE(ready, 1.05 * best_ready);
}

TEST(SchedulerSimulation, TwiceTheCapacityStillFinishesHalf) {
  for (const size_t workers : {1, 4, 16}) {
    SCOPED_TRACE(::testing::Message() << workers << " workers");
    std::vector<VideoSpec> videos = Import(60);
    const double pause = 112.8 / 2 / static_cast<double>(workers);
    for (size_t i = 0; i < videos.size(); ++i) videos[i].arrival = pause * static_cast<double>(i);
    FleetOptions options = Fleet(workers), before = Fleet(workers, Order::kIndexFirst);
    options.until = before.until = pause * 60;
    EXPECT_GE(RunFleet(options, videos).Ready(), 27);
    EXPECT_LE(RunFleet(before, videos).Ready(), workers == 16 ? 2 : 0);  // of those that came last, on what is just idle
    options.until = 1e9;
    EXPECT_EQ(RunFleet(options, videos).Ready(), 60);
  }
}

// Its fair share is half of the fleet, as if all clips were one other user.
TEST(SchedulerSimulation, AFilmIsNotStarvedByClips) {
  const double cost = 7344, arrival = 100;
  for (const size_t workers : {4, 16, 64}) {
    const double fair = cost / (static_cast<double>(workers) / 2);
    for (const double load : {0.5, 0.9, 1.2}) {
      for (uint64_t seed = 1; seed <= 3; ++seed) {
        SCOPED_TRACE(::testing::Message() << workers << " workers, load " << load << ", seed " << seed);
        FleetOptions options = Fleet(workers);
        options.until = arrival + 4 * fair;
        std::vector<VideoSpec> videos = {Film(arrival)};
        for (const VideoSpec& clip : Clips(load, static_cast<double>(workers), options.until, seed)) videos.push_back(clip);
        const double ready = RunFleet(options, videos).videos[0].ready;
        ASSERT_GT(ready, 0) << "not within 4 times its fair share";
        EXPECT_LE((ready - arrival) / fair, load < 1 ? 2.3 : 2.8);
      }
    }
  }
}

TEST(SchedulerSimulation, ClipsDoNotWaitForFilms) {
  std::vector<VideoSpec> videos = Clips(0.4, 4, 20'000, 1);
  const size_t clips = videos.size();
  for (int i = 0; i < 4; ++i) videos.push_back(Film(5000.0 * i));
  const FleetResult result = RunFleet(Fleet(4), videos);
  double sum = 0;
  for (size_t i = 0; i < clips; ++i) sum += result.videos[i].ready - videos[i].arrival;
  EXPECT_LT(sum / static_cast<double>(clips), 30);  // 16 s without films
}

// At an overload that goes on for ever: an hour behind for each point, and what has gathered by then.
TEST(SchedulerSimulation, PriorityComesFirstAndLowPriorityIsNotStarved) {
  std::vector<VideoSpec> videos = {{"t", 1000, 11, 10, 2, -1}};
  for (const VideoSpec& clip : Clips(1.2, 4, 16'000, 1)) videos.push_back(clip);
  videos.push_back({"t", 3000, 11, 10, 2, 2});
  FleetOptions options = Fleet(4);
  options.until = 16'000;
  const FleetResult result = RunFleet(options, videos);
  EXPECT_LE(result.videos.back().ready, 3000 + 60);
  EXPECT_GT(result.videos.front().ready, 1000 + 3600);
  EXPECT_LE(result.videos.front().ready, 1000 + 1.2 * 3600 + 400);
}

TEST(SchedulerSimulation, AnImportOfOneTenantDoesNotHoldUpAnother) {
  for (const size_t workers : {2, 4, 16, 64}) {
    SCOPED_TRACE(::testing::Message() << workers << " workers");
    const double alone = RunFleet(Fleet(workers / 2), Import(1)).videos[0].ready;
    for (const double arrival : {0.0, 95.0, 503.0}) {
      std::vector<VideoSpec> videos = Import(1000, "importer");
      videos.push_back({"single", arrival});
      FleetOptions options = Fleet(workers);
      options.until = arrival + 1000;
      const FleetResult result = RunFleet(options, videos);
      ASSERT_GE(result.videos.back().ready, 0);
      EXPECT_LE(result.videos.back().ready - arrival, 2 * alone + 10);
    }
  }
}

TEST(SchedulerSimulation, WeightsAreShares) {
  for (const size_t workers : {1, 4, 16}) {
    for (const double cost : {5.0, 10.0, 40.0}) {
      SCOPED_TRACE(::testing::Message() << workers << " workers, groups of " << cost);
      std::vector<VideoSpec> videos = Import(300, "one");
      for (VideoSpec& video : Import(300, "three")) {
        video.group_cost = cost;
        videos.push_back(video);
      }
      FleetOptions options = Fleet(workers);
      options.tenants["three"].weight = 3;
      options.until = 4000 / std::sqrt(static_cast<double>(workers));
      FleetResult result = RunFleet(options, videos);
      const double ratio = result.done_cost["three"] / result.done_cost["one"];
      EXPECT_NEAR(ratio, 3, 0.3);
    }
  }
}

TEST(SchedulerSimulation, AnIdleTenantHasNoCreditForThePast) {
  // Alone until 2000, then against one that begins: half for each from then on.
  std::vector<VideoSpec> videos = Import(300, "early");
  for (VideoSpec& video : Import(300, "late")) {
    video.arrival = 2000;
    videos.push_back(video);
  }
  FleetOptions options = Fleet(4);
  options.until = 2000;
  const double before = RunFleet(options, videos).done_cost["early"];
  options.until = 3000;
  FleetResult result = RunFleet(options, videos);
  EXPECT_NEAR(result.done_cost["late"] / (result.done_cost["early"] - before), 1, 0.1);
}

TEST(SchedulerSimulation, SeveralPickersAreAsFairAsOne) {
  std::vector<VideoSpec> videos = Import(300, "one");
  for (const VideoSpec& video : Import(300, "three")) videos.push_back(video);
  FleetOptions options = Fleet(16);
  options.tenants["three"].weight = 3;
  options.until = 1000;
  options.pickers = 3;
  FleetResult result = RunFleet(options, videos);
  EXPECT_NEAR(result.done_cost["three"] / result.done_cost["one"], 3, 0.3);
  // What runs is known also to one that has forgotten all the rest.
  for (const double life : {0.001, 60.0}) {
    options.picker_life = life;
    result = RunFleet(options, videos);
    EXPECT_NEAR(result.done_cost["three"] / result.done_cost["one"], 3, 0.3) << "forgetting after " << life << " s";
  }
}

TEST(SchedulerSimulation, AFilmUsesTheWholeFleet) {
  const double work = 7344;
  for (const size_t workers : {1, 2, 4, 8, 16, 32}) {
    for (const double first : {1.0, 0.25, 0.1}) {
      FleetOptions options = Fleet(workers);
      options.second_attempts = true;
      options.speeds[0] = first;
      const double speed = std::accumulate(options.speeds.begin(), options.speeds.end(), 0.0);
      const FleetResult result = RunFleet(options, {Film(0)});
      EXPECT_GE(work / speed / result.ended, 0.9) << workers << " workers, one of speed " << first;
    }
  }
}

TEST(SchedulerSimulation, SecondAttemptsSaveAVideoFromASlowWorker) {
  std::vector<VideoSpec> videos = Import(20);
  for (size_t i = 0; i < videos.size(); ++i) videos[i].arrival = 300 * static_cast<double>(i);
  FleetOptions options = Fleet(4);
  options.speeds[0] = 0.1;
  const auto mean = [&] { return RunFleet(options, videos).MeanReady() - 150 * 19; };
  EXPECT_GT(mean(), 100);
  options.second_attempts = true;
  EXPECT_LT(mean(), 45);
}

}  // namespace
}  // namespace vora::workflow::scheduler
