#include <algorithm>
#include <numeric>
#include <set>

#include "libs/core/error.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/engine/engine_spans_internal.h"
#include "libs/workflow/engine/hand_out_internal.h"
#include "libs/workflow/store/claim_repo_internal.h"

namespace vora::workflow {
namespace {

// Enough to choose from, however few are wanted; not more than one statement should read.
constexpr int kLeastHeads = 16;
constexpr int kMostHeads = 400;
// Replicas may pick the same tasks at the same time; the next try sees what is left.
constexpr int kTries = 3;

scheduler::Limits ToLimits(const repo::Load& load) { return {load.max_running, load.max_starts_per_second}; }

scheduler::View ToView(const repo::Ready& ready) {
  scheduler::View view;
  for (size_t i = 0; i < ready.tasks.size(); ++i) {
    const auto& task = ready.tasks[i];
    const auto stage = task.first_play ? scheduler::Stage::kFirstPlay : scheduler::Stage::kRest;
    view.candidates.push_back({static_cast<int64_t>(i), task.tenant, task.key.run_id, stage, task.rank, task.place, task.cost});
  }
  for (const auto& [tenant, load] : ready.tenants) {
    view.tenants[tenant] = {load.weight, load.running, load.running_cost, ToLimits(load)};
  }
  view.queue = {ready.queue.running, ToLimits(ready.queue)};
  return view;
}

std::vector<size_t> All(const scheduler::View& view) {
  std::vector<size_t> all(view.candidates.size());
  std::iota(all.begin(), all.end(), size_t{0});
  return all;
}

}  // namespace

// What one transaction claims for some polls.
class Engine::Impl::Claims {
 public:
  explicit Claims(const std::vector<const v1::PollActivitiesRequest*>& polls)
      : polls_(polls), answers(polls.size()), bytes_(polls.size()) {}

  // In turns, so that no poll gets a second task while another has none.
  std::vector<repo::Pick> Assign(const repo::Ready& ready, const scheduler::View& view, const std::vector<size_t>& picked) {
    std::vector<repo::Pick> picks;
    std::vector<int> left;
    for (const auto* poll : polls_) left.push_back(poll->max_tasks());
    size_t turn = 0;
    for (const size_t index : picked) {
      while (left[turn] == 0) turn = (turn + 1) % polls_.size();
      --left[turn];
      const auto& task = ready.tasks[static_cast<size_t>(view.candidates[index].id)];
      picks.push_back({task.key, polls_[turn]->worker_id()});
      owners_[task.key.run_id][task.key.event_id] = turn;
      order_[task.key.run_id][task.key.event_id] = picks.size();
      turn = (turn + 1) % polls_.size();
    }
    return picks;
  }

  // Before the transaction runs, and runs again.
  void Clear() {
    answers.assign(polls_.size(), {});
    bytes_.assign(polls_.size(), 0);
    waits.clear();
    spans.clear();
    first_deadline_in_us = 0;
  }

  // False: some did not fit, and are ready again.
  bool Take(pqxx::work& tx, std::vector<TaskRow> rows) {
    const auto place = [&](const TaskRow& row) { return order_[row.run_id][row.scheduled_event_id]; };
    std::sort(rows.begin(), rows.end(), [&](const TaskRow& a, const TaskRow& b) { return place(a) < place(b); });
    bool all = true;
    for (auto& row : rows) {
      const size_t owner = owners_[row.run_id][row.scheduled_event_id];
      all = Give(tx, owner, std::move(row)) && all;
    }
    return all;
  }

 private:
  // The claim's UPDATE has happened before the sizes are known, so what does not fit is given back, for the next poll.
  bool Give(pqxx::work& tx, size_t owner, TaskRow row) {
    bytes_[owner] += row.input.size() + row.checkpoint.size();
    if (bytes_[owner] > kMaxAnswerBytes && !answers[owner].empty()) {
      repo::Unclaim(tx, row.key());
      return false;
    }
    const int64_t now = row.started_time_us.value_or(row.visible_at_us);
    for (const auto& deadline : {row.attempt_deadline_us, row.lease_deadline_us}) {
      if (deadline && (first_deadline_in_us == 0 || *deadline - now < first_deadline_in_us)) first_deadline_in_us = *deadline - now;
    }
    waits.emplace_back(row.activity_type, now - row.visible_at_us);
    AddWaitSpan(row, spans);
    answers[owner].push_back(ToActivityTask(std::move(row)));
    return true;
  }

  const std::vector<const v1::PollActivitiesRequest*>& polls_;

 public:
  std::vector<std::vector<v1::ActivityTask>> answers;
  std::vector<std::pair<std::string, int64_t>> waits;
  std::vector<obs::SpanRecord> spans;
  int64_t first_deadline_in_us = 0;

 private:
  std::vector<size_t> bytes_;
  std::map<std::string, std::map<int64_t, size_t>> owners_, order_;
};

Status Engine::CheckPoll(const v1::PollActivitiesRequest& request, const std::string& within) {
  if (request.queue().empty()) return InvalidField(within + "queue", "must not be empty");
  VORA_RETURN_IF_ERROR(CheckPayload(within + "queue", request.queue()));
  if (!request.worker_id().empty()) VORA_RETURN_IF_ERROR(CheckWorker(request.worker_id(), within));
  for (const auto& type : request.activity_types()) VORA_RETURN_IF_ERROR(CheckPayload(within + "activity_types", type));
  if (request.max_tasks() < 1 || request.max_tasks() > 100) return InvalidField(within + "max_tasks", "must be 1 to 100");
  return {};
}

StatusOr<std::vector<v1::ActivityTask>> Engine::Claim(const v1::PollActivitiesRequest& request) {
  VORA_RETURN_IF_ERROR(CheckPoll(request));
  VORA_ASSIGN_OR_RETURN(auto claimed, Claim(std::vector{&request}));
  return std::move(claimed.answers[0]);
}

StatusOr<Claimed> Engine::Claim(const std::vector<const v1::PollActivitiesRequest*>& polls) {
  const v1::PollActivitiesRequest& like = *polls.front();
  const std::vector<std::string> types(like.activity_types().begin(), like.activity_types().end());
  const int wanted = std::accumulate(polls.begin(), polls.end(), 0, [](int sum, const auto* poll) { return sum + poll->max_tasks(); });
  const int heads = std::clamp(wanted, kLeastHeads, kMostHeads);
  auto& turns = impl_->TurnsOf(like.queue());
  std::unique_lock lock(turns.mutex);
  for (int attempt = 1;; ++attempt) {
    Impl::Claims claims(polls);
    VORA_ASSIGN_OR_RETURN(const auto ready, impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<repo::Ready> {
      return repo::ReadReady(tx, like.queue(), types, heads, wanted);
    }));
    if (ready.tasks.empty()) {
      lock.unlock();
      if (auto second = impl_->GiveSecondAttempt(polls, types)) claims.answers[second->poll].push_back(std::move(second->task));
      return Claimed{std::move(claims.answers), true};
    }
    const auto view = ToView(ready);
    const auto picked = ready.enough ? All(view) : turns.picker.Pick(view, wanted, turns.last_us = std::max(turns.last_us, ready.now_us));
    if (picked.empty()) return Claimed{std::move(claims.answers), false};
    const auto picks = claims.Assign(ready, view, picked);
    bool missed = false, all = false;
    VORA_RETURN_IF_ERROR(impl_->Write([&](pqxx::work& tx) -> Status {
      claims.Clear();
      auto rows = repo::ClaimTasks(tx, picks);
      missed = rows.empty();
      all = rows.size() == ready.tasks.size() && rows.size() < static_cast<size_t>(heads);
      all = claims.Take(tx, std::move(rows)) && all;
      return {};
    }));
    if (missed && attempt < kTries) continue;
    if (claims.first_deadline_in_us > 0) impl_->wake.DueAfter(std::chrono::microseconds(claims.first_deadline_in_us));
    for (const auto& [type, waited_us] : claims.waits) impl_->NoteClaimed(type, waited_us);
    if (!claims.waits.empty()) impl_->wake.WorkBegan();
    for (auto& span : claims.spans) obs::RecordSpan(std::move(span));
    return Claimed{std::move(claims.answers), all};
  }
}

}  // namespace vora::workflow
