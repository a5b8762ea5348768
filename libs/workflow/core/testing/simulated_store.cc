#include "libs/workflow/core/testing/simulated_store.h"

#include <algorithm>

namespace vora::workflow::simulation {
namespace {

bool IsReady(const TaskRow& row) { return !row.started && !row.delayed && !row.held; }
// The row as it is loaded.
TaskRow Joined(const StoredRun& run, const TaskRow& row) {
  TaskRow joined = row;
  if (const auto second = run.seconds.find(row.scheduled_event_id); second != run.seconds.end()) joined.second = second->second;
  return joined;
}

bool Passed(const std::optional<int64_t>& deadline, int64_t now_us) { return deadline && *deadline <= now_us; }

}  // namespace

const StoredRun* SimulatedStore::Find(const std::string& run_id) const {
  const auto found = runs_.find(run_id);
  return found == runs_.end() ? nullptr : &found->second;
}

const RunRow* SimulatedStore::Lock(const std::string& run_id) {
  const auto found = runs_.find(run_id);
  if (found == runs_.end()) return nullptr;
  found->second.row.now_us = now_us;
  return &found->second.row;
}

const RunRow* SimulatedStore::Newest(const std::string& workflow_id) const {
  const RunRow* newest = nullptr;
  for (const auto& [id, run] : runs_) {
    if (run.row.workflow_id == workflow_id && (!newest || run.row.seq > newest->seq)) newest = &run.row;
  }
  return newest;
}

const RunRow* SimulatedStore::ByRequest(const std::string& workflow_id, const std::string& request_id) const {
  for (const auto& [id, run] : runs_) {
    if (run.row.workflow_id == workflow_id && run.row.request_id == request_id) return &run.row;
  }
  return nullptr;
}

std::string SimulatedStore::Insert(const RunRow& row) {
  for (const auto& [id, run] : runs_) {
    if (run.row.workflow_id != row.workflow_id) continue;
    if (run.row.running() && row.running()) return "two open runs of " + row.workflow_id;
    if (run.row.request_id == row.request_id) return "two runs of request " + row.request_id;
  }
  StoredRun& run = runs_[row.run_id];
  run.row = row;
  run.row.seq = ++last_seq_;
  run.row.cancel_requested = false;  // no column of the insert
  return {};
}

std::string SimulatedStore::Apply(const Changes& changes) {
  for (const auto& row : changes.new_runs) {
    if (auto violated = Insert(row); !violated.empty()) return violated;
  }
  if (auto violated = ApplyHistory(changes); !violated.empty()) return violated;
  ApplyRuns(changes);
  ApplyControls(changes);
  ApplyTasks(changes);
  ApplySeconds(changes);
  for (const auto& id : changes.closed_runs) {
    StoredRun& run = runs_.at(id);
    run.tasks.clear();
    run.seconds.clear();
    run.timers.clear();
    run.dropped = std::exchange(run.inbox, {});
  }
  ApplyRest(changes);
  return {};
}

std::string SimulatedStore::ApplyHistory(const Changes& changes) {
  for (const auto& [id, event] : changes.events) {
    auto& events = runs_.at(id).events;
    if (!events.empty() && event.id <= events.back().id) return "event " + std::to_string(event.id) + " of " + id + " is written twice";
    events.push_back(event);
  }
  return {};
}

void SimulatedStore::ApplyRuns(const Changes& changes) {
  for (const auto& row : changes.runs) {
    RunRow& stored = runs_.at(row.run_id).row;
    stored.status = row.status;
    stored.close_time_us = row.close_time_us;
    stored.history_length = row.history_length;
    stored.result = row.result;
    stored.failure = row.failure;
    stored.cancel_requested = row.cancel_requested;
    if (fault_ != PlantedFault::kForgetsParking) stored.parked_reason = row.parked_reason;
    stored.parked_builds = row.parked_builds;
  }
}

void SimulatedStore::ApplyControls(const Changes& changes) {
  for (const auto& row : changes.controlled_runs) {
    RunRow& stored = runs_.at(row.run_id).row;
    stored.paused_at_us = row.paused_at_us;
    stored.paused_by = row.paused_by;
    stored.pause_reason = row.pause_reason;
    stored.priority = row.priority;
  }
}

void SimulatedStore::ApplyTasks(const Changes& changes) {
  for (const auto& key : changes.ended_tasks) {
    if (fault_ != PlantedFault::kForgetsEndedTask) runs_.at(key.run_id).tasks.erase(key.event_id);
  }
  for (const auto& row : changes.new_tasks) {
    StoredTask& stored = runs_.at(row.run_id).tasks[row.scheduled_event_id];
    stored = {row, ++last_seq_};
    stored.row.started = stored.row.delayed = stored.row.cancel_requested = stored.row.release_requested = false;
    if (fault_ == PlantedFault::kForgetsPauseOfNewTasks) stored.row.held = false;
    stored.row.visible_at_us = row.scheduled_time_us;
  }
  for (const auto& row : changes.tasks) {
    auto& tasks = runs_.at(row.run_id).tasks;
    const auto found = tasks.find(row.scheduled_event_id);
    if (found == tasks.end()) continue;
    TaskRow changed = row;
    changed.second.reset();
    if (fault_ == PlantedFault::kForgetsSwap) changed.lease = found->second.row.lease;
    if (fault_ == PlantedFault::kForgetsLosses) changed.losses = 0;
    if (row.checkpoint.empty()) changed.checkpoint = found->second.row.checkpoint;
    if (fault_ == PlantedFault::kForgetsReleases) changed.release_requested = false;
    changed.delayed = row.delayed && !row.held;  // one column says both
    found->second.row = std::move(changed);
  }
}

void SimulatedStore::ApplySeconds(const Changes& changes) {
  for (const auto& [key, second] : changes.second_attempts) {
    auto& seconds = runs_.at(key.run_id).seconds;
    seconds[key.event_id] = second;
    if (fault_ == PlantedFault::kForgetsSecond && second.lease == 0) seconds.erase(key.event_id);
  }
  for (const auto& key : changes.ended_second_attempts) {
    if (fault_ != PlantedFault::kForgetsEndedSecond) runs_.at(key.run_id).seconds.erase(key.event_id);
  }
}

void SimulatedStore::ApplyRest(const Changes& changes) {
  for (const auto& timer : changes.timers) runs_.at(timer.run_id).timers[timer.started_event_id] = {timer, timer.fire_at_us};
  for (const auto& key : changes.ended_timers) runs_.at(key.run_id).timers.erase(key.event_id);
  for (const auto& id : changes.emptied_inboxes) {
    if (fault_ != PlantedFault::kForgetsInboxConsumed) runs_.at(id).inbox.clear();
  }
  for (const auto& [id, event] : changes.inbox) runs_.at(id).inbox.push_back({++last_seq_, event});
  for (const auto& attempt : changes.attempts) runs_.at(attempt.key.run_id).attempts.push_back(attempt);
}

bool SimulatedStore::HasReady() const {
  return std::any_of(runs_.begin(), runs_.end(), [&](const auto& run) {
    return std::any_of(run.second.tasks.begin(), run.second.tasks.end(), [](const auto& task) { return IsReady(task.second.row); });
  });
}

std::vector<TaskToken> SimulatedStore::RunningElsewhere(const std::string& worker) const {
  std::vector<TaskToken> running;
  for (const auto& [id, run] : runs_) {
    for (const auto& [event_id, task] : run.tasks) {
      const bool alone = task.row.started && task.row.allows_second && !run.seconds.contains(event_id);
      if (alone && task.row.worker_id != worker) running.push_back(TaskToken::Of(task.row));
    }
  }
  return running;
}

std::vector<TaskRow> SimulatedStore::Claim(const std::string& worker, int limit, int64_t lease) {
  std::vector<StoredTask*> ready;
  for (auto& [id, run] : runs_) {
    for (auto& [event_id, task] : run.tasks) {
      if (IsReady(task.row) && task.row.visible_at_us <= now_us) ready.push_back(&task);
    }
  }
  std::sort(ready.begin(), ready.end(), [](const StoredTask* a, const StoredTask* b) {
    return a->row.priority != b->row.priority ? a->row.priority > b->row.priority : a->seq < b->seq;
  });
  if (ready.size() > static_cast<size_t>(limit)) ready.resize(static_cast<size_t>(limit));
  const auto leased = worker_leases_.find(worker);
  const bool by_worker = leased != worker_leases_.end() && leased->second > now_us;
  std::vector<TaskRow> claimed;
  for (StoredTask* task : ready) {
    TaskRow& row = task->row;
    row.started = true;
    row.lease = lease;
    row.worker_id = worker;
    row.started_time_us = now_us;
    row.attempt_deadline_us.reset();
    row.lease_deadline_us.reset();
    if (row.start_to_close_us > 0) row.attempt_deadline_us = now_us + row.start_to_close_us;
    if (row.heartbeat_us > 0 && !by_worker) row.lease_deadline_us = now_us + row.heartbeat_us;
    claimed.push_back(row);
  }
  return claimed;
}

bool SimulatedStore::Heartbeat(const TaskToken& token) {
  const auto run = runs_.find(token.run_id);
  if (run == runs_.end()) return false;
  const auto task = run->second.tasks.find(token.event_id);
  if (task == run->second.tasks.end() || !task->second.row.started) return false;
  TaskRow& row = task->second.row;
  const auto second = run->second.seconds.find(token.event_id);
  const bool is_second = second != run->second.seconds.end() && second->second.lease == token.lease;
  if (row.lease != token.lease && !is_second) return false;
  auto& deadline = is_second ? second->second.lease_deadline_us : row.lease_deadline_us;
  deadline.reset();
  if (row.heartbeat_us > 0) deadline = now_us + row.heartbeat_us;
  return true;
}

std::vector<SimulatedStore::Held> SimulatedStore::Renew(const std::string& worker, const std::set<std::string>& tokens, int64_t lease_us) {
  // As one statement, which sees the leases as they were before it.
  const auto before = worker_leases_;
  worker_leases_[worker] = now_us + lease_us;
  std::vector<Held> held;
  for (auto& [id, run] : runs_) {
    for (auto& [event_id, task] : run.tasks) {
      TaskRow& row = task.row;
      if (!row.started) continue;
      const auto look = [&](const std::string& holder, const TaskToken& token, int64_t started_us, std::optional<int64_t>& deadline) {
        const auto known = before.find(holder);
        const bool own = holder == worker;
        const bool watched = !deadline && (row.heartbeat_us > 0 || known != before.end());
        const bool lapsed = !own && watched && (known == before.end() || known->second <= now_us);
        if (own || lapsed) held.push_back({token, holder, lapsed, row.cancel_requested, row.release_requested, now_us - started_us});
        if (own && tokens.contains(token.Encode())) deadline.reset();
      };
      look(row.worker_id, TaskToken::Of(row), row.started_time_us.value_or(now_us), row.lease_deadline_us);
      const auto second = run.seconds.find(event_id);
      if (second == run.seconds.end() || second->second.lease == 0) continue;
      SecondAttempt& other = second->second;
      look(other.worker_id, {id, event_id, other.lease}, other.started_time_us, other.lease_deadline_us);
    }
  }
  return held;
}

std::vector<SimulatedStore::Held> SimulatedStore::HeldBy(const std::string& worker) {
  worker_leases_.erase(worker);
  std::vector<Held> held;
  for (const auto& [id, run] : runs_) {
    for (const auto& [event_id, task] : run.tasks) {
      if (task.row.started && task.row.worker_id == worker) held.push_back({TaskToken::Of(task.row), worker});
    }
    for (const auto& [event_id, second] : run.seconds) {
      if (second.lease != 0 && second.worker_id == worker) held.push_back({{id, event_id, second.lease}, worker});
    }
  }
  return held;
}

std::vector<TaskKey> SimulatedStore::TakeDueTimers() {
  std::vector<TaskKey> due;
  for (auto& [id, run] : runs_) {
    for (auto& [event_id, timer] : run.timers) {
      if (timer.look_at_us > now_us) continue;
      timer.look_at_us = now_us + 5'000'000;
      due.push_back({id, event_id});
    }
  }
  return due;
}

void SimulatedStore::ReleaseDelayed() {
  for (auto& [id, run] : runs_) {
    for (auto& [event_id, task] : run.tasks) {
      if (task.row.delayed && task.row.visible_at_us <= now_us) task.row.delayed = false;
    }
  }
}

std::vector<TaskKey> SimulatedStore::OverdueTasks(bool expire_leases) const {
  std::vector<TaskKey> due;
  for (const auto& [id, run] : runs_) {
    for (const auto& [event_id, task] : run.tasks) {
      const TaskRow& row = task.row;
      const auto second = run.seconds.find(event_id);
      const bool second_overdue =
          second != run.seconds.end() && second->second.lease != 0 &&
          (Passed(second->second.attempt_deadline_us, now_us) || (expire_leases && Passed(second->second.lease_deadline_us, now_us)));
      const bool overdue =
          second_overdue || Passed(row.schedule_to_close_deadline_us, now_us) ||
          (row.started ? Passed(row.attempt_deadline_us, now_us) || (expire_leases && Passed(row.lease_deadline_us, now_us))
                       : Passed(row.schedule_to_start_deadline_us, now_us));
      if (overdue) due.push_back({id, event_id});
    }
  }
  return due;
}

std::vector<std::string> SimulatedStore::OverdueRuns() const {
  std::vector<std::string> due;
  for (const auto& [id, run] : runs_) {
    if (run.row.running() && Passed(run.row.execution_deadline_us, now_us)) due.push_back(id);
  }
  return due;
}

std::vector<std::string> SimulatedStore::ParkedRuns(const std::string& build_id) const {
  std::vector<std::string> parked;
  for (const auto& [id, run] : runs_) {
    const auto& tried = run.row.parked_builds;
    if (run.row.running() && run.row.parked() && std::find(tried.begin(), tried.end(), build_id) == tried.end()) parked.push_back(id);
  }
  return parked;
}

std::vector<TaskRow> SimulatedStore::LoadTasks(const std::string& run_id, const std::vector<int64_t>& ids) {
  std::vector<TaskRow> rows;
  const StoredRun* run = Find(run_id);
  if (!run) return rows;
  const auto& tasks = run->tasks;
  for (const int64_t id : std::set<int64_t>(ids.begin(), ids.end())) {
    if (const auto found = tasks.find(id); found != tasks.end()) rows.push_back(Joined(*run, found->second.row));
  }
  return rows;
}

std::vector<TaskRow> SimulatedStore::LoadOpenTasks(const std::string& run_id) {
  std::vector<TaskRow> rows;
  const StoredRun& run = runs_.at(run_id);
  for (const auto& [id, task] : run.tasks) rows.push_back(Joined(run, task.row));
  return rows;
}

std::vector<Event> SimulatedStore::LoadHistory(const std::string& run_id, int64_t after) {
  const auto& events = runs_.at(run_id).events;
  return {events.begin() + std::min(after, static_cast<int64_t>(events.size())), events.end()};
}

std::vector<InboxRow> SimulatedStore::LoadInbox(const std::string& run_id) {
  auto rows = runs_.at(run_id).inbox;
  if (fault_ == PlantedFault::kReadsInboxBackwards) std::reverse(rows.begin(), rows.end());
  return rows;
}

bool SimulatedStore::HasTimer(const TaskKey& timer) {
  return fault_ == PlantedFault::kFiresTimersTwice || runs_.at(timer.run_id).timers.contains(timer.event_id);
}

bool SimulatedStore::WasTaken(const TaskKey& task, int64_t lease) {
  return AnyInput(runs_.at(task.run_id), [&](const Event& event) { return IsLastReport(event, task, lease); });
}

bool SimulatedStore::HasSignal(const std::string& run_id, const std::string& request_id) {
  if (fault_ == PlantedFault::kTakesSignalsTwice) return false;
  return AnyInput(runs_.at(run_id), [&](const Event& event) {
    return event.type == v1::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED && event.attributes.value("request_id", "") == request_id;
  });
}

}  // namespace vora::workflow::simulation
