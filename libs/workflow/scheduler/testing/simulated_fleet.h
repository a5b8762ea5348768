#pragma once

// A fleet of workers, one slot each, that works off videos: probe -> audio and chunk groups, a window of them at a time -> publish ->
// READY. Discrete events: the same options give the same run. Times are seconds, costs encode-seconds.

#include <cstdint>
#include <map>
#include <queue>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "libs/workflow/scheduler/picker.h"

namespace vora::workflow::scheduler {

struct VideoSpec {
  std::string tenant = "t";
  double arrival = 0;
  int groups = 11;
  double group_cost = 10;
  double audio_cost = 2;
  int priority = 0;
};

enum class Order {
  kPicker,             // what is tested
  kFinishFirst,        // the ranks alone, all that is ready in sight
  kShortestRemaining,  // knows what is left of each video: the best for the mean completion
  kIndexFirst,         // early chunks first, across videos
  kArrival,            // one video after the other
};

struct FleetOptions {
  std::vector<double> speeds = {1};
  Order order = Order::kPicker;
  size_t window = 64;      // groups of a run that are scheduled at a time
  size_t heads = 16;       // of each tenant and stage, in a view
  int at_once = 1;         // what a call of the picker is asked for at most
  size_t pickers = 1;      // that are asked in turn, at random
  double picker_life = 0;  // after which one has forgotten all; 0: never
  std::unordered_map<std::string, TenantLoad> tenants;
  Limits queue;
  double until = 1e12;    // the simulation ends here, or with the last video
  double mean_life = 0;   // of a worker, before it dies, or is only thought dead; 0: for ever
  double cost_error = 0;  // standard deviation of the logarithm of what a task takes, against its cost
  bool second_attempts = false;
  uint64_t seed = 1;
};

struct VideoResult {
  double playable = -1, ready = -1;  // -1: not
};

struct FleetResult {
  std::vector<VideoResult> videos;
  double ended = 0;
  int groups_before_first_ready = -1;       // started
  std::map<std::string, double> done_cost;  // of each tenant
  double longest_wait = 0;                  // of a ready task
  int lost = 0, repeated = 0;               // tasks without an effect, though the run ended; with more than one
  int deaths = 0, second_attempts = 0;
  std::string broken;  // the first rule that was broken: limits, work conservation

  int Ready() const;
  double MeanReady() const;
  double MeanPlayable() const;
};

class SimulatedFleet {
 public:
  SimulatedFleet(const FleetOptions& options, std::vector<VideoSpec> videos);
  FleetResult Run();

 private:
  enum class Kind { kProbe, kAudio, kGroup, kPublish };
  enum class What { kArrive, kFinish, kDie, kRecover, kExpire, kTick };
  struct Event {
    double at;
    int64_t seq;
    What what;
    size_t subject;
    int64_t token;
    bool operator>(const Event& other) const { return std::tie(at, seq) > std::tie(other.at, other.seq); }
  };
  struct Task {
    size_t video;
    Kind kind;
    int index;
    double cost;
    int64_t rank;
    double ready_since = 0;
    std::vector<int64_t> leases;  // that hold
    int effects = 0;
    bool tried_twice = false;
  };
  struct Video {
    VideoSpec spec;
    std::string run;
    int next_group = 0, groups_done = 0;
    bool audio_done = false, first_done = false;
    double left = 0;
  };
  struct Worker {
    double speed;
    bool alive = true, busy = false;
    size_t task = 0;
    int64_t lease = 0, token = 0;
    double started = 0, pace = 0;
  };
  using Turn = std::tuple<int64_t, size_t, int, size_t>;  // rank, video, order, task
  struct Ready {
    std::set<Turn> stages[2];
  };
  struct Bucket {
    double tokens, at;
  };

  void At(double at, What what, size_t subject, int64_t token = 0);
  void Handle(const Event& event);
  void Schedule(size_t video, Kind kind, int index, double cost);
  void ScheduleGroups(size_t video);
  Stage StageOf(const Task& task) const;
  Turn TurnOf(size_t task) const;
  void MakeReady(size_t task);
  void Start(size_t task, size_t worker);
  void Release(size_t task, int64_t lease);
  void Finish(size_t worker);
  void Complete(size_t task);
  void Die(size_t worker);
  void Dispatch();
  std::vector<size_t> Idle() const;
  std::vector<size_t> Next(int n);
  std::vector<size_t> NextByPicker(int n);
  double KeyOf(const Task& task) const;
  void TrySecondAttempts();
  // The rules, apart from the picker: simulated_fleet_rules.cc.
  void CheckStart(const std::string& tenant);
  void CheckConserving();
  void CheckRate(const std::string& who, const Limits& limits);
  int64_t NowUs() const { return static_cast<int64_t>(now_ * 1e6); }

  FleetOptions options_;
  FleetResult result_;
  std::mt19937_64 random_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  int64_t events_made_ = 0, leases_made_ = 0;
  double now_ = 0;
  std::vector<Video> videos_;
  std::vector<Task> tasks_;
  std::vector<Worker> workers_;
  std::map<std::string, Ready> ready_;
  size_t ready_count_ = 0;
  View view_;
  std::vector<Picker> pickers_;
  double forgot_at_ = 0;
  int groups_started_ = 0, finished_videos_ = 0;
  std::vector<double> paces_;
  std::map<std::string, Bucket> buckets_;
  bool tick_set_ = false;
};

// So many workers of usual speed.
inline std::vector<double> Workers(size_t n) { return std::vector<double>(n, 1.0); }
FleetResult Simulate(const FleetOptions& options, std::vector<VideoSpec> videos);

}  // namespace vora::workflow::scheduler
