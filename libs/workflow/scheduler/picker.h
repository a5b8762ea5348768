#pragma once

// Which of the ready tasks of a queue a polling worker gets.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "libs/core/token_bucket.h"

namespace vora::workflow::scheduler {

// The part of a tenant's work (by cost) that goes to the first play of its videos, ahead of their turn.
inline constexpr double kFirstPlayShare = 0.125;

enum class Stage {
  kFirstPlay,  // what a video needs before it can be played from its beginning
  kRest,
};

// A ready task. Costs are encode-seconds: what it takes on a worker of usual speed; a cost of 0 is a tenth of a second.
struct Candidate {
  int64_t id = 0;  // the task's; one that is listed twice is picked once
  std::string tenant;
  std::string run;
  Stage stage = Stage::kRest;
  int64_t rank = 0;   // FinishRank of its run
  int64_t order = 0;  // its place in its run
  double cost = 0;
};

// A limit of 0 is none. Rates are those of this picker: where several serve a queue, each is told its part.
struct Limits {
  int max_running = 0;
  double max_starts_per_second = 0;  // on average; at once as many as in one second, at least one
};

struct TenantLoad {
  double weight = 1;  // its part of the fleet, against the weights of the other tenants that have work
  int running = 0;
  double running_cost = 0;
  Limits limits = {};
};

struct QueueLoad {
  int running = 0;
  Limits limits = {};
};

// What is ready and what runs. Enough candidates are, of each tenant and stage, the first few by (rank, run, order); a tenant that is not
// named in `tenants` has the default load.
struct View {
  std::vector<Candidate> candidates;
  std::unordered_map<std::string, TenantLoad> tenants;
  QueueLoad queue;
};

// One for each queue, and every view is the whole queue's. What it remembers (who had how much, the rates) may be lost: that costs a little
// fairness for a moment. Not thread-safe.
class Picker {
 public:
  // At most `n` indexes into the candidates, in the order in which they are to start; the caller starts them all. Fewer only if there is
  // nothing more within the limits. The limits first; then the tenant that had least for its weight, by cost, from when it had work; then
  // its first play if that is due its share, else the least (rank, run, order). `now_us` never goes back.
  std::vector<size_t> Pick(const View& view, int n, int64_t now_us);

 private:
  struct Tenant {
    double virtual_time = 0;       // cost/weight that it was given
    double first_play_credit = 0;  // encode-seconds
    bool had_work = false;         // at the last call
    int64_t seen_us = 0;
    std::optional<TokenBucket> starts;
  };
  struct Backlog;

  std::vector<Backlog> Backlogs(const View& view, int64_t now_us);
  void Admit(std::vector<Backlog>& backlogs, int64_t now_us);
  void Forget(int64_t now_us);

  std::unordered_map<std::string, Tenant> tenants_;
  double virtual_now_ = 0;
  std::optional<TokenBucket> starts_;
  int64_t forgot_us_ = 0;
};

// How many of `ready` groups one poll gets while `polls` of them wait, itself included: as many as each of the others can have too, at
// least one if there is one.
int FairShare(int polls, int ready);

}  // namespace vora::workflow::scheduler
