#include "libs/workflow/scheduler/testing/simulated_fleet.h"

#include <algorithm>

#include "libs/workflow/scheduler/rank.h"
#include "libs/workflow/scheduler/speculation.h"

namespace vora::workflow::scheduler {
namespace {

constexpr double kProbeCost = 0.5;
constexpr double kPublishCost = 0.3;
constexpr double kLeaseSeconds = 10;

double CostOfVideo(const VideoSpec& video) { return video.groups * video.group_cost + video.audio_cost; }

double MeanOf(const std::vector<VideoResult>& videos, double VideoResult::*what) {
  double sum = 0;
  for (const VideoResult& video : videos) sum += video.*what;
  return sum / static_cast<double>(videos.size());
}

}  // namespace

int FleetResult::Ready() const {
  return static_cast<int>(std::count_if(videos.begin(), videos.end(), [](const VideoResult& video) { return video.ready >= 0; }));
}
double FleetResult::MeanReady() const { return MeanOf(videos, &VideoResult::ready); }
double FleetResult::MeanPlayable() const { return MeanOf(videos, &VideoResult::playable); }

SimulatedFleet::SimulatedFleet(const FleetOptions& options, std::vector<VideoSpec> videos)
    : options_(options), random_(options.seed), pickers_(options.pickers) {
  view_.tenants = options.tenants;
  view_.queue.limits = options.queue;
  result_.videos.resize(videos.size());
  for (VideoSpec& spec : videos) {
    // Runs are named so that their names are in the order of their numbers.
    const std::string number = std::to_string(videos_.size());
    view_.tenants[spec.tenant];
    At(spec.arrival, What::kArrive, videos_.size());
    const double cost = CostOfVideo(spec) + kProbeCost + kPublishCost;
    videos_.push_back({std::move(spec), "v" + std::string(6 - number.size(), '0') + number, 0, 0, false, false, cost});
  }
  for (const double speed : options.speeds) {
    workers_.push_back({speed});
    if (options.mean_life > 0) At(std::exponential_distribution<>(1 / options.mean_life)(random_), What::kDie, workers_.size() - 1);
  }
}

FleetResult SimulatedFleet::Run() {
  while (!events_.empty() && finished_videos_ < static_cast<int>(videos_.size())) {
    const Event event = events_.top();
    if (event.at > options_.until) break;
    events_.pop();
    now_ = event.at;
    Handle(event);
    // What happens at the same moment is seen together.
    if (events_.empty() || events_.top().at > now_) Dispatch();
  }
  result_.ended = now_;
  const bool complete = finished_videos_ == static_cast<int>(videos_.size());
  for (const Task& task : tasks_) {
    if (complete && task.effects == 0) ++result_.lost;
    if (task.effects > 1) ++result_.repeated;
  }
  return std::move(result_);
}

void SimulatedFleet::At(double at, What what, size_t subject, int64_t token) { events_.push({at, ++events_made_, what, subject, token}); }

void SimulatedFleet::Handle(const Event& event) {
  switch (event.what) {
    case What::kArrive:
      return Schedule(event.subject, Kind::kProbe, 0, kProbeCost);
    case What::kFinish:
      if (workers_[event.subject].token == event.token) Finish(event.subject);
      return;
    case What::kDie:
      return Die(event.subject);
    case What::kRecover:
      workers_[event.subject].alive = true;
      return;
    case What::kExpire:
      return Release(event.subject, event.token);
    case What::kTick:
      tick_set_ = false;
  }
}

void SimulatedFleet::Schedule(size_t video, Kind kind, int index, double cost) {
  const VideoSpec& spec = videos_[video].spec;
  // What the video costs is known once it was probed.
  const double run_cost = kind == Kind::kProbe ? 0 : CostOfVideo(spec);
  const int64_t rank = FinishRank(static_cast<int64_t>(spec.arrival * 1e6), run_cost, spec.priority, static_cast<int>(workers_.size()));
  tasks_.push_back({video, kind, index, cost, rank, 0, {}, 0, false});
  MakeReady(tasks_.size() - 1);
}

void SimulatedFleet::ScheduleGroups(size_t video) {
  Video& v = videos_[video];
  while (v.next_group < v.spec.groups && v.next_group - v.groups_done < static_cast<int>(options_.window)) {
    Schedule(video, Kind::kGroup, v.next_group++, v.spec.group_cost);
  }
}

Stage SimulatedFleet::StageOf(const Task& task) const {
  const bool first = task.kind == Kind::kProbe || task.kind == Kind::kAudio || (task.kind == Kind::kGroup && task.index == 0);
  return first ? Stage::kFirstPlay : Stage::kRest;
}

SimulatedFleet::Turn SimulatedFleet::TurnOf(size_t task) const {
  const Task& t = tasks_[task];
  const int order = t.kind == Kind::kGroup ? 1 + t.index : t.kind == Kind::kPublish ? 1 << 20 : 0;
  return {t.rank, t.video, order, task};
}

void SimulatedFleet::MakeReady(size_t task) {
  Task& t = tasks_[task];
  t.ready_since = now_;
  ready_[videos_[t.video].spec.tenant].stages[static_cast<int>(StageOf(t))].insert(TurnOf(task));
  ++ready_count_;
}

void SimulatedFleet::Start(size_t task, size_t worker) {
  Task& t = tasks_[task];
  const std::string& tenant = videos_[t.video].spec.tenant;
  if (t.leases.empty()) {
    ready_[tenant].stages[static_cast<int>(StageOf(t))].erase(TurnOf(task));
    --ready_count_;
    result_.longest_wait = std::max(result_.longest_wait, now_ - t.ready_since);
    CheckStart(tenant);
  }
  if (t.kind == Kind::kGroup) ++groups_started_;
  t.leases.push_back(++leases_made_);
  TenantLoad& load = view_.tenants[tenant];
  ++load.running;
  load.running_cost += t.cost;
  ++view_.queue.running;
  Worker& w = workers_[worker];
  w.busy = true;
  w.task = task;
  w.lease = leases_made_;
  w.started = now_;
  const double error = options_.cost_error > 0 ? std::lognormal_distribution<>(0, options_.cost_error)(random_) : 1;
  At(now_ + error * t.cost / w.speed, What::kFinish, worker, ++w.token);
}

// The attempt is over for the engine, whatever its worker does.
void SimulatedFleet::Release(size_t task, int64_t lease) {
  Task& t = tasks_[task];
  if (std::erase(t.leases, lease) == 0) return;
  TenantLoad& load = view_.tenants[videos_[t.video].spec.tenant];
  --load.running;
  load.running_cost -= t.cost;
  --view_.queue.running;
  if (t.leases.empty() && t.effects == 0) MakeReady(task);
}

void SimulatedFleet::Finish(size_t worker) {
  Worker& w = workers_[worker];
  w.busy = false;
  Task& t = tasks_[w.task];
  w.pace = (now_ - w.started) / t.cost;
  paces_.push_back(w.pace);
  // A worker that was thought dead comes too late.
  if (std::find(t.leases.begin(), t.leases.end(), w.lease) == t.leases.end()) return;
  ++t.effects;
  for (Worker& other : workers_) {
    if (!other.busy || other.task != w.task) continue;
    other.busy = false;
    ++other.token;
  }
  while (!t.leases.empty()) Release(w.task, t.leases.back());
  Complete(w.task);
}

void SimulatedFleet::Complete(size_t task) {
  const Task t = tasks_[task];
  Video& v = videos_[t.video];
  v.left -= t.cost;
  result_.done_cost[v.spec.tenant] += t.cost;
  VideoResult& result = result_.videos[t.video];
  switch (t.kind) {
    case Kind::kProbe:
      Schedule(t.video, Kind::kAudio, 0, v.spec.audio_cost);
      ScheduleGroups(t.video);
      return;
    case Kind::kAudio:
      v.audio_done = true;
      break;
    case Kind::kGroup:
      if (t.index == 0) v.first_done = true;
      ++v.groups_done;
      ScheduleGroups(t.video);
      break;
    case Kind::kPublish:
      result.ready = now_;
      if (finished_videos_++ == 0) result_.groups_before_first_ready = groups_started_;
      return;
  }
  if (v.audio_done && v.first_done && result.playable < 0) result.playable = now_;
  if (v.audio_done && v.groups_done == v.spec.groups) Schedule(t.video, Kind::kPublish, 0, kPublishCost);
}

void SimulatedFleet::Die(size_t worker) {
  Worker& w = workers_[worker];
  ++result_.deaths;
  if (w.busy) At(now_ + kLeaseSeconds, What::kExpire, w.task, w.lease);
  // Every third is only cut off: it goes on, and its result comes too late.
  if (random_() % 3 != 0) {
    w.alive = w.busy = false;
    ++w.token;
    At(now_ + 5, What::kRecover, worker);
  }
  At(now_ + 5 + std::exponential_distribution<>(1 / options_.mean_life)(random_), What::kDie, worker);
}

std::vector<size_t> SimulatedFleet::Idle() const {
  std::vector<size_t> idle;
  for (size_t i = 0; i < workers_.size(); ++i) {
    if (workers_[i].alive && !workers_[i].busy) idle.push_back(i);
  }
  return idle;
}

void SimulatedFleet::Dispatch() {
  std::vector<size_t> idle = Idle();
  while (!idle.empty() && ready_count_ > 0) {
    const std::vector<size_t> next = Next(std::min(options_.at_once, static_cast<int>(idle.size())));
    if (next.empty()) break;
    for (const size_t task : next) {
      Start(task, idle.back());
      idle.pop_back();
    }
  }
  if (idle.empty()) return;
  CheckConserving();
  if (options_.second_attempts) TrySecondAttempts();
  if (tick_set_ || (ready_count_ == 0 && !options_.second_attempts)) return;
  tick_set_ = true;
  At(now_ + 0.25, What::kTick, 0);
}

std::vector<size_t> SimulatedFleet::Next(int n) {
  if (options_.order == Order::kPicker) return NextByPicker(n);
  std::tuple<double, Turn> best;
  bool any = false;
  for (const auto& [name, ready] : ready_) {
    for (const auto& stage : ready.stages) {
      for (const Turn& turn : stage) {
        const std::tuple<double, Turn> key(KeyOf(tasks_[std::get<3>(turn)]), turn);
        if (!any || key < best) best = key;
        any = true;
      }
    }
  }
  return {std::get<3>(std::get<1>(best))};
}

// The least comes first, then the turn.
double SimulatedFleet::KeyOf(const Task& task) const {
  switch (options_.order) {
    case Order::kShortestRemaining:
      return videos_[task.video].left;
    case Order::kIndexFirst:
      return task.kind == Kind::kGroup ? task.index : -1;
    case Order::kArrival:
      return videos_[task.video].spec.arrival;
    default:
      return 0;
  }
}

std::vector<size_t> SimulatedFleet::NextByPicker(int n) {
  view_.candidates.clear();
  for (const auto& [tenant, ready] : ready_) {
    for (const auto& stage : ready.stages) {
      size_t heads = 0;
      for (auto turn = stage.begin(); turn != stage.end() && heads < options_.heads; ++turn, ++heads) {
        const auto& [rank, video, order, task] = *turn;
        const Stage its_stage = &stage == &ready.stages[0] ? Stage::kFirstPlay : Stage::kRest;
        view_.candidates.push_back({static_cast<int64_t>(task), tenant, videos_[video].run, its_stage, rank, order, tasks_[task].cost});
      }
    }
  }
  if (options_.picker_life > 0 && now_ - forgot_at_ >= options_.picker_life) {
    pickers_.assign(options_.pickers, Picker());
    forgot_at_ = now_;
  }
  std::vector<size_t> next = pickers_[random_() % pickers_.size()].Pick(view_, n, NowUs());
  for (size_t& index : next) index = static_cast<size_t>(view_.candidates[index].id);
  return next;
}

void SimulatedFleet::TrySecondAttempts() {
  const double usual = Median({paces_.end() - std::min<std::ptrdiff_t>(100, std::ssize(paces_)), paces_.end()});
  for (std::vector<size_t> idle = Idle(); !idle.empty(); idle.pop_back()) {
    std::vector<RunningTask> running;
    std::vector<size_t> tasks;
    for (const Worker& w : workers_) {
      if (!w.busy || tasks_[w.task].leases.empty()) continue;
      const Task& t = tasks_[w.task];
      const Video& v = videos_[t.video];
      const int unfinished = v.spec.groups - v.groups_done + (v.audio_done ? 0 : 1);
      running.push_back({t.cost, now_ - w.started, 0, w.pace, unfinished, t.tried_twice});
      tasks.push_back(w.task);
    }
    const auto straggler = PickStraggler(running, {static_cast<int>(idle.size()), static_cast<int>(ready_count_), usual});
    if (!straggler) return;
    tasks_[tasks[*straggler]].tried_twice = true;
    ++result_.second_attempts;
    Start(tasks[*straggler], idle.back());
  }
}

FleetResult Simulate(const FleetOptions& options, std::vector<VideoSpec> videos) {
  return SimulatedFleet(options, std::move(videos)).Run();
}

}  // namespace vora::workflow::scheduler
