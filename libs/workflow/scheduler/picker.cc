#include "libs/workflow/scheduler/picker.h"

#include <algorithm>
#include <chrono>
#include <string_view>
#include <tuple>
#include <unordered_set>

namespace vora::workflow::scheduler {
namespace {

constexpr double kLeastCost = 0.1;
constexpr double kLeastWeight = 0.001;
// Credit that was not needed is kept for so many encode-seconds of first play, so that a quiet hour is not followed by nothing else.
constexpr double kMostFirstPlayCredit = 30;
// Long enough for the bucket of any sensible rate to be full again.
constexpr int64_t kForgetAfterUs = 3600'000'000;

double CostOf(const Candidate& task) { return std::max(task.cost, kLeastCost); }

auto TurnOf(const Candidate& task) { return std::tie(task.rank, task.run, task.order, task.id); }

TokenBucket::Time TimeOf(int64_t now_us) { return TokenBucket::Time(std::chrono::microseconds(now_us)); }

TokenRate RateOf(const Limits& limits) { return {limits.max_starts_per_second, std::max(1.0, limits.max_starts_per_second)}; }

bool Allows(const Limits& limits, int running, std::optional<TokenBucket>& starts, int64_t now_us) {
  if (limits.max_running > 0 && running >= limits.max_running) return false;
  if (limits.max_starts_per_second <= 0) return true;
  if (!starts) starts.emplace(RateOf(limits), TimeOf(now_us));
  return starts->Wait(1, RateOf(limits), TimeOf(now_us)) <= 0;
}

void CountStart(const Limits& limits, std::optional<TokenBucket>& starts, int64_t now_us) {
  if (starts) starts->Take(1, RateOf(limits), TimeOf(now_us));
}

// The next last, and each once.
void PutInTurn(const View& view, std::vector<size_t>& tasks) {
  const auto later = [&](size_t a, size_t b) { return TurnOf(view.candidates[b]) < TurnOf(view.candidates[a]); };
  const auto same = [&](size_t a, size_t b) { return view.candidates[a].id == view.candidates[b].id; };
  std::sort(tasks.begin(), tasks.end(), later);
  tasks.erase(std::unique(tasks.begin(), tasks.end(), same), tasks.end());
}

}  // namespace

// One tenant during one call.
struct Picker::Backlog {
  const View& view;
  TenantLoad load;
  Tenant* tenant;
  std::vector<size_t> first_play, rest;  // the next is the last

  bool HasWork(int64_t now_us) const {
    return !(first_play.empty() && rest.empty()) && Allows(load.limits, load.running, tenant->starts, now_us);
  }

  // What it has had, for its weight. What runs counts once more: a tenant that comes to a full fleet reaches its part soon, and not only of
  // what becomes free from now on.
  double Used() const { return tenant->virtual_time + load.running_cost / Weight(); }
  double Weight() const { return std::max(load.weight, kLeastWeight); }

  bool FirstPlayIsNext() const {
    if (rest.empty() || first_play.empty()) return rest.empty();
    return TurnOf(view.candidates[first_play.back()]) < TurnOf(view.candidates[rest.back()]);
  }

  size_t Take(int64_t now_us) {
    const bool in_turn = FirstPlayIsNext();
    const bool ahead = !in_turn && !first_play.empty() && tenant->first_play_credit > 0;
    std::vector<size_t>& from = in_turn || ahead ? first_play : rest;
    const size_t index = from.back();
    from.pop_back();
    const double cost = CostOf(view.candidates[index]);
    // May become a debt: the first play of a long film is paid for afterwards.
    tenant->first_play_credit += ahead ? -cost : cost * kFirstPlayShare / (1 - kFirstPlayShare);
    tenant->first_play_credit = std::min(tenant->first_play_credit, kMostFirstPlayCredit);
    tenant->virtual_time += cost / Weight();
    load.running_cost += cost;
    ++load.running;
    CountStart(load.limits, tenant->starts, now_us);
    return index;
  }
};

std::vector<size_t> Picker::Pick(const View& view, int n, int64_t now_us) {
  std::vector<Backlog> backlogs = Backlogs(view, now_us);
  Admit(backlogs, now_us);
  std::vector<size_t> picked;
  int running = view.queue.running;
  while (static_cast<int>(picked.size()) < n && Allows(view.queue.limits, running, starts_, now_us)) {
    Backlog* next = nullptr;
    for (Backlog& backlog : backlogs) {
      if (backlog.HasWork(now_us) && (next == nullptr || backlog.Used() < next->Used())) next = &backlog;
    }
    if (next == nullptr) break;
    picked.push_back(next->Take(now_us));
    CountStart(view.queue.limits, starts_, now_us);
    ++running;
  }
  Forget(now_us);
  return picked;
}

std::vector<Picker::Backlog> Picker::Backlogs(const View& view, int64_t now_us) {
  std::vector<Backlog> backlogs;
  std::unordered_map<std::string_view, size_t> places;
  for (size_t i = 0; i < view.candidates.size(); ++i) {
    const Candidate& task = view.candidates[i];
    const auto [place, is_new] = places.emplace(task.tenant, backlogs.size());
    if (is_new) {
      const auto load = view.tenants.find(task.tenant);
      Tenant& tenant = tenants_[task.tenant];
      tenant.seen_us = now_us;
      backlogs.push_back({view, load == view.tenants.end() ? TenantLoad() : load->second, &tenant, {}, {}});
    }
    Backlog& backlog = backlogs[place->second];
    (task.stage == Stage::kFirstPlay ? backlog.first_play : backlog.rest).push_back(i);
  }
  for (Backlog& backlog : backlogs) {
    for (std::vector<size_t>* tasks : {&backlog.first_play, &backlog.rest}) PutInTurn(view, *tasks);
  }
  return backlogs;
}

// Virtual time stands still for a tenant without work, or at its limits. When it has work again it begins where the one that has had least
// is: it is owed nothing for the time between.
void Picker::Admit(std::vector<Backlog>& backlogs, int64_t now_us) {
  std::unordered_set<const Tenant*> working;
  std::optional<double> least;
  for (Backlog& backlog : backlogs) {
    if (!backlog.HasWork(now_us)) continue;
    working.insert(backlog.tenant);
    const Tenant& tenant = *backlog.tenant;
    if (tenant.had_work) least = least ? std::min(*least, tenant.virtual_time) : tenant.virtual_time;
  }
  if (least) virtual_now_ = std::max(virtual_now_, *least);
  for (auto& [name, tenant] : tenants_) {
    const bool has_work = working.contains(&tenant);
    if (has_work && !tenant.had_work) tenant.virtual_time = std::max(tenant.virtual_time, virtual_now_);
    tenant.had_work = has_work;
  }
}

void Picker::Forget(int64_t now_us) {
  if (now_us - forgot_us_ < kForgetAfterUs) return;
  forgot_us_ = now_us;
  std::erase_if(tenants_, [&](const auto& entry) { return now_us - entry.second.seen_us >= kForgetAfterUs; });
}

int FairShare(int polls, int ready) {
  if (ready <= 0) return 0;
  return std::max(1, ready / std::max(1, polls));
}

}  // namespace vora::workflow::scheduler
