// Random fleets, tenants, limits, videos and deaths: what must hold for each.

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "libs/workflow/scheduler/rank.h"
#include "libs/workflow/scheduler/testing/simulated_fleet.h"

namespace vora::workflow::scheduler {
namespace {

class RandomMix {
 public:
  RandomMix(uint64_t seed, bool limited) : random_(seed) {
    options.seed = seed;
    options.speeds.clear();
    for (int n = Up(8); n > 0; --n) options.speeds.push_back(0.25 * Up(8));
    options.heads = static_cast<size_t>(Up(16));
    options.at_once = Up(4);
    options.window = limited ? static_cast<size_t>(Up(64)) : 64;
    const int tenants = Up(4);
    for (int t = 0; t < tenants; ++t) AddTenant(std::string(1, static_cast<char>('a' + t)), limited);
    if (!limited) return;
    if (Up(4) == 1) options.queue.max_running = Up(6);
    if (Up(4) == 1) options.queue.max_starts_per_second = 0.2 * Up(10);
    if (Up(3) == 1) options.mean_life = 40.0 * Up(10);
    if (Up(2) == 1) options.cost_error = 0.2 * Up(5);
    options.second_attempts = Up(2) == 1;
  }

  FleetOptions options;
  std::vector<VideoSpec> videos;

 private:
  int Up(int to) { return 1 + static_cast<int>(random_() % static_cast<uint64_t>(to)); }

  void AddTenant(const std::string& name, bool limited) {
    TenantLoad& load = options.tenants[name];
    load.weight = 0.5 * Up(6);
    if (limited && Up(3) == 1) load.limits.max_running = Up(4);
    if (limited && Up(4) == 1) load.limits.max_starts_per_second = 0.1 * Up(20);
    const double spread = 20.0 * Up(5);
    for (int n = Up(6); n > 0; --n) {
      videos.push_back({name, spread * static_cast<double>(random_() % 1000) / 1000, Up(10), static_cast<double>(Up(15)),
                        static_cast<double>(Up(4)), Up(5) == 1 ? Up(3) - 2 : 0});
    }
  }

  std::mt19937_64 random_;
};

// Limits and work conservation are checked at each start, by the fleet itself.
TEST(SchedulerProperties, LimitsHoldNothingIdlesNothingIsLost) {
  int deaths = 0, second_attempts = 0;
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    const RandomMix mix(seed, true);
    const FleetResult result = Simulate(mix.options, mix.videos);
    ASSERT_EQ(result.broken, "") << "seed " << seed;
    ASSERT_EQ(result.Ready(), static_cast<int>(mix.videos.size())) << "seed " << seed;
    ASSERT_EQ(result.lost, 0) << "seed " << seed;
    ASSERT_EQ(result.repeated, 0) << "seed " << seed;
    deaths += result.deaths;
    second_attempts += result.second_attempts;
  }
  EXPECT_GT(deaths, 1000);
  EXPECT_GT(second_attempts, 100);
}

double CostOf(const VideoSpec& video) { return video.groups * video.group_cost + video.audio_cost + 1; }

// When a video is READY at the latest: its tenant has its weight's part of the fleet all the time, 1/8 of that goes to first plays, and all
// that has a lesser rank is done before it. Where work comes in pieces and a video in steps, each step waits for a slot and runs.
double LatestReady(const RandomMix& mix, const VideoSpec& video) {
  const auto rank = [&](const VideoSpec& v, double cost) {
    return FinishRank(static_cast<int64_t>(v.arrival * 1e6), cost, v.priority, static_cast<int>(mix.options.speeds.size()));
  };
  const int64_t last = std::max(rank(video, 0), rank(video, CostOf(video)));  // of its probe, of the others
  double weights = 0, longest = 0, before = 0;
  for (const auto& [name, load] : mix.options.tenants) weights += load.weight;
  for (const VideoSpec& other : mix.videos) {
    longest = std::max({longest, other.group_cost, other.audio_cost});
    if (other.tenant == video.tenant && rank(other, CostOf(other) - 1) <= last) before += CostOf(other);
  }
  const double fleet = std::accumulate(mix.options.speeds.begin(), mix.options.speeds.end(), 0.0);
  const double slowest = *std::min_element(mix.options.speeds.begin(), mix.options.speeds.end());
  const double part = mix.options.tenants.at(video.tenant).weight / weights * (1 - kFirstPlayShare);
  return video.arrival + before / (fleet * part) + 2 * longest / slowest + longest / (fleet * part);
}

TEST(SchedulerProperties, EveryVideoIsReadyInItsTime) {
  double tightest = 0;
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    const RandomMix mix(seed, false);
    const FleetResult result = Simulate(mix.options, mix.videos);
    ASSERT_EQ(result.broken, "") << "seed " << seed;
    for (size_t i = 0; i < mix.videos.size(); ++i) {
      const VideoSpec& video = mix.videos[i];
      const double latest = LatestReady(mix, video);
      ASSERT_LE(result.videos[i].ready, latest) << "seed " << seed << ", video " << i << " of " << video.tenant;
      tightest = std::max(tightest, (result.videos[i].ready - video.arrival) / (latest - video.arrival));
    }
  }
  EXPECT_GT(tightest, 0.8) << "a bound that nothing comes near says nothing";
}

}  // namespace
}  // namespace vora::workflow::scheduler
