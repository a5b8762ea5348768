#include <algorithm>
#include <string_view>

#include "libs/log/log.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/engine/hand_out_internal.h"
#include "libs/workflow/scheduler/speculation.h"
#include "libs/workflow/store/claim_repo_internal.h"
#include "libs/workflow/store/task_repo_internal.h"

namespace vora::workflow {
namespace {

using std::chrono::steady_clock;
// One that is slow itself would not end sooner.
constexpr double kTooSlow = 1.5;

// A limit of starts is left to what waits.
bool HasRoom(const repo::Load& load) {
  return load.max_starts_per_second == 0 && (load.max_running == 0 || load.running < load.max_running);
}

// Workers name themselves by it (see PollActivitiesRequest).
std::string_view HostOf(std::string_view worker_id) { return worker_id.substr(0, worker_id.find('/')); }

// The straggler that is most worth a second attempt, and which of the polls gets it.
struct Match {
  const repo::RunningTask* first = nullptr;
  size_t poll = 0;
};
std::optional<Match> FindMatch(const repo::Running& found, const std::vector<const v1::PollActivitiesRequest*>& polls,
                               const scheduler::Paces& paces) {
  if (!HasRoom(found.queue)) return std::nullopt;
  scheduler::FleetSlack slack;
  slack.usual_pace = paces.Usual();
  for (const auto* poll : polls) slack.idle_slots += poll->max_tasks();
  std::vector<Match> matches;
  std::vector<scheduler::RunningTask> running;
  for (const auto& task : found.tasks) {
    const auto tenant = found.tenants.find(task.tenant);
    if (tenant != found.tenants.end() && !HasRoom(tenant->second)) continue;
    const auto poll = std::find_if(polls.begin(), polls.end(), [&](const auto* one) {
      // On the same host it would only be in the way of the first.
      return HostOf(one->worker_id()) != HostOf(task.worker_id) && paces.Of(one->worker_id()) <= kTooSlow * slack.usual_pace;
    });
    if (poll == polls.end()) continue;
    matches.push_back({&task, static_cast<size_t>(poll - polls.begin())});
    running.push_back(
        {task.cost, static_cast<double>(task.elapsed_us) / 1e6, task.progress, paces.Of(task.worker_id), task.open_in_run, false});
  }
  const auto straggler = scheduler::PickStraggler(running, slack);
  return straggler ? std::optional(matches[*straggler]) : std::nullopt;
}

}  // namespace

bool Engine::MayHaveStragglers(const std::string& queue) { return impl_->MayHaveStragglers(queue); }

// What runs is known from the figures of the queues: while there is nothing, or nothing is known of what is usual, nobody looks.
bool Engine::Impl::MayHaveStragglers(const std::string& queue) {
  if (!second_attempts) return false;
  {
    const std::lock_guard lock(queues_mutex);
    const auto found = running.find(queue);
    if (found == running.end() || found->second == 0) return false;
  }
  const std::lock_guard lock(speeds_mutex);
  const auto found = speeds.find(queue);
  return found != speeds.end() && steady_clock::now() >= found->second.next_look && found->second.paces.Usual() > 0;
}

void Engine::Impl::NoteDone(const std::vector<Effects::Done>& done) {
  if (done.empty()) return;
  const std::lock_guard lock(speeds_mutex);
  for (const auto& one : done) {
    auto& paces = speeds[one.queue].paces;
    if (one.took_us < 0) {
      paces.PartEnded(one.lease, one.cost);
    } else {
      paces.Ended(one.worker_id, one.lease, one.cost, static_cast<double>(one.took_us) / 1e6);
    }
  }
}

// Whatever fails: there is another look.
std::optional<Engine::Impl::Given> Engine::Impl::GiveSecondAttempt(const std::vector<const v1::PollActivitiesRequest*>& polls,
                                                                   const std::vector<std::string>& types) {
  const std::string& queue = polls.front()->queue();
  if (!MayHaveStragglers(queue)) return std::nullopt;
  scheduler::Paces paces;
  {
    const std::lock_guard lock(speeds_mutex);
    speeds[queue].next_look = steady_clock::now() + straggler_pause;
    paces = speeds[queue].paces;
  }
  const auto found = Read([&](pqxx::nontransaction& tx) -> StatusOr<repo::Running> { return repo::ReadRunning(tx, queue, types); });
  if (!found.ok()) return std::nullopt;
  const auto match = FindMatch(*found, polls, paces);
  if (!match) return std::nullopt;
  const repo::RunningTask& first = *match->first;
  auto payloads = Read([&](pqxx::nontransaction& tx) -> StatusOr<std::optional<TaskRow>> { return repo::StartedTask(tx, first.key); });
  if (!payloads.ok() || !*payloads) return std::nullopt;
  const std::string& worker_id = polls[match->poll]->worker_id();
  TaskRow begun;
  const auto begin = [&](RunUnit& unit) -> Status {
    VORA_ASSIGN_OR_RETURN(begun, BeginSecondAttempt(unit, {first.key.run_id, first.key.event_id, first.lease}, worker_id, NewLease()));
    return {};
  };
  // Claims of the whole queue wait for this one.
  if (!executor.RunNow({first.key.run_id, {first.key.event_id}, begin}).ok()) return std::nullopt;
  begun.input = std::move((*payloads)->input);
  begun.checkpoint = std::move((*payloads)->checkpoint);
  for (const auto& deadline : {begun.attempt_deadline_us, begun.lease_deadline_us}) {
    if (deadline) wake.DueAfter(std::chrono::microseconds(*deadline - *begun.started_time_us));
  }
  second_attempts_begun.Increment();
  log::Info("second attempt of a straggler", {{"workflow_id", begun.workflow_id},
                                              {"activity_id", begun.activity_id},
                                              {"worker_id", worker_id},
                                              {"first_worker_id", first.worker_id}});
  return Given{match->poll, ToActivityTask(std::move(begun))};
}

}  // namespace vora::workflow
