#include "libs/workflow/core/run_unit.h"

#include <algorithm>

#include "libs/core/text.h"
#include "libs/workflow/core/task_rules.h"

namespace vora::workflow {
namespace {

constexpr size_t kMaxParkedReason = 4096;
constexpr size_t kMaxParkedBuilds = 50;

// PostgreSQL takes no other text.
Status CheckText(const char* key, const std::string& text) {
  if (text.find('\0') == std::string::npos && IsValidUtf8(text)) return {};
  return FailedPrecondition(std::string("the workflow's code scheduled an activity whose ") + key + " is not UTF-8, or holds a NUL byte");
}

// A fault of the definition, and no worker's: without a timeout a lost task would never end.
Status CheckCommand(const Command& command) {
  if (command.type != v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) return {};
  const auto& options = command.options;
  for (const char* key : {"activity_type", "activity_id", "input"}) {
    const auto& text = command.attributes.at(key).get_ref<const std::string&>();
    VORA_RETURN_IF_ERROR(CheckText(key, text));
  }
  VORA_RETURN_IF_ERROR(CheckText("queue", options.queue()));
  std::set<std::string> names;
  for (const auto& item : options.items()) {
    VORA_RETURN_IF_ERROR(CheckText("item", item.name()));
    if (item.name().empty() || !names.insert(item.name()).second) {
      return FailedPrecondition("the workflow's code scheduled a group with two items named \"" + item.name() +
                                "\", or one without a name");
    }
  }
  if (options.items_size() > kMaxItems) {
    return FailedPrecondition("the workflow's code scheduled a group of more than " + std::to_string(kMaxItems) + " items");
  }
  if (options.queue().empty()) return FailedPrecondition("the workflow's code scheduled an activity without a queue");
  if (options.has_start_to_close_timeout() || options.has_schedule_to_close_timeout()) return {};
  return FailedPrecondition("the workflow's code scheduled an activity with neither start_to_close_timeout nor schedule_to_close_timeout");
}

}  // namespace

RunUnit::RunUnit(UnitContext& context, UnitLoader& loader, RunRow run, bool fresh)
    : context_(context), loader_(loader), run_(std::move(run)), fresh_(fresh) {}

RunRow& RunUnit::mutable_run() {
  run_changed_ = true;
  return run_;
}

RunRow& RunUnit::controlled_run() {
  run_controlled_ = true;
  return run_;
}

void RunUnit::Preloaded(const std::vector<int64_t>& asked, std::vector<TaskRow> tasks) {
  for (auto& task : tasks) {
    const int64_t id = task.scheduled_event_id;
    tasks_.try_emplace(id, Task{std::move(task)});
  }
  for (const int64_t id : asked) {
    if (!tasks_.contains(id)) absent_.insert(id);
  }
}

void RunUnit::Prefetch(const std::vector<int64_t>& ids) {
  std::vector<int64_t> unknown;
  for (const int64_t id : ids) {
    if (!tasks_.contains(id) && !absent_.contains(id)) unknown.push_back(id);
  }
  if (!unknown.empty()) Preloaded(unknown, loader_.LoadTasks(run_.run_id, unknown));
}

TaskRow* RunUnit::FindTask(int64_t id) {
  if (!run_.running()) return nullptr;  // the rows may still be there: the close is of this very unit
  Prefetch({id});
  const auto found = tasks_.find(id);
  return found == tasks_.end() || found->second.fate == Fate::kEnded ? nullptr : &found->second.row;
}

std::vector<TaskRow*> RunUnit::OpenTasks() {
  if (!fresh_) Preloaded({}, loader_.LoadOpenTasks(run_.run_id));
  std::vector<TaskRow*> open;
  for (auto& [id, task] : tasks_) {
    if (task.fate != Fate::kEnded) open.push_back(&task.row);
  }
  return open;
}

void RunUnit::Touch(const TaskRow& task) {
  Fate& fate = tasks_.at(task.scheduled_event_id).fate;
  if (fate == Fate::kClean) fate = Fate::kChanged;
}

void RunUnit::EndTask(int64_t id) {
  const auto found = tasks_.find(id);
  // A task of this unit is not in the database yet: to forget it is enough, and nobody has seen it.
  if (found->second.fate == Fate::kNew) {
    tasks_.erase(found);
    absent_.insert(id);
  } else {
    found->second.fate = Fate::kEnded;
  }
}

bool RunUnit::TakeTimer(int64_t id) {
  const auto fresh = std::find_if(timers_.begin(), timers_.end(), [&](const TimerRow& timer) { return timer.started_event_id == id; });
  if (fresh != timers_.end()) {
    timers_.erase(fresh);
    return true;
  }
  if (std::find(ended_timers_.begin(), ended_timers_.end(), id) != ended_timers_.end()) return false;
  if (!loader_.HasTimer({run_.run_id, id})) return false;
  ended_timers_.push_back(id);
  return true;
}

bool RunUnit::Took(const std::function<bool(const Event&)>& matches) const {
  return std::any_of(events_.begin(), events_.end(), matches) || std::any_of(inbox_.begin(), inbox_.end(), matches);
}

bool IsLastReport(const Event& event, const TaskKey& task, int64_t lease) {
  const auto& attributes = event.attributes;
  return (event.type == v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED || event.type == v1::EVENT_TYPE_ACTIVITY_TASK_FAILED ||
          event.type == v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED || event.type == v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED) &&
         attributes.value("scheduled_event_id", int64_t{0}) == task.event_id && attributes.value("lease", int64_t{0}) == lease &&
         !attributes.contains("goes_on") && !attributes.contains("timeout_type");
}

bool RunUnit::WasTaken(int64_t id, int64_t lease) {
  const TaskKey task{run_.run_id, id};
  const auto matches = [&](const Event& event) { return IsLastReport(event, task, lease); };
  return Took(matches) || (!fresh_ && loader_.WasTaken(task, lease));
}

bool RunUnit::HasSignal(const std::string& request_id) {
  const auto matches = [&](const Event& event) {
    return event.type == v1::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED && event.attributes.value("request_id", "") == request_id;
  };
  return Took(matches) || (!fresh_ && loader_.HasSignal(run_.run_id, request_id));
}

void RunUnit::Accept(Event input) {
  if (!run_.running()) return;
  input.time_us = run_.now_us;
  if (run_.parked()) {
    inbox_.push_back(std::move(input));
    return;
  }
  if (const Status loaded = Load(); !loaded.ok()) return Park(loaded, std::move(input));
  Consume(std::move(input));
}

// A replayer that was kept may have seen events that a failover of the database has lost: before a run is parked, its history is replayed
// from the start once.
Status RunUnit::StepOrReplay(const Event& input) {
  const Status stepped = Step(input);
  if (stepped.ok() || !std::exchange(from_cache_, false)) return stepped;
  replayer_.reset();
  VORA_RETURN_IF_ERROR(Load(/*from_cache=*/false));
  return Step(input);
}

// One input per step, so that the commands after it are exactly its own. A cancel may add inputs, which follow in the same transaction.
// What comes after the close has no place in history.
void RunUnit::Consume(Event input) {
  waiting_.push_back(std::move(input));
  while (!waiting_.empty() && run_.running()) {
    Event next = std::move(waiting_.front());
    waiting_.pop_front();
    if (run_.parked()) {
      inbox_.push_back(std::move(next));
    } else if (const Status stepped = StepOrReplay(next); !stepped.ok()) {
      Park(stepped, std::move(next));
    }
  }
  waiting_.clear();
}

Status RunUnit::Load() {
  const Status loaded = Load(/*from_cache=*/true);
  if (loaded.ok() || !std::exchange(from_cache_, false)) return loaded;
  replayer_.reset();
  return Load(/*from_cache=*/false);
}

Status RunUnit::Load(bool from_cache) {
  if (replayer_) return {};
  // Taken from the cache for good: whatever goes wrong below, a half advanced replayer is dropped, and the next transition replays from the
  // start.
  if (from_cache) replayer_ = context_.cache.Take(run_.run_id, run_.history_length);
  from_cache_ = replayer_ != nullptr;
  if (!replayer_) {
    VORA_ASSIGN_OR_RETURN(replayer_, Replayer::Create(context_.registry, {run_.workflow_id, run_.run_id, run_.tenant, run_.type}));
  }
  if (replayer_->history_length() == run_.history_length) return {};
  for (const Event& event : loader_.LoadHistory(run_.run_id, replayer_->history_length())) {
    VORA_RETURN_IF_ERROR(replayer_->Apply(event));
  }
  // The unit has parked the run after these.
  for (const Event& event : events_) {
    if (event.id > replayer_->history_length()) VORA_RETURN_IF_ERROR(replayer_->Apply(event));
  }
  return {};
}

// Nothing of it is kept unless the whole of it agrees: the input and its commands are in history together or not at all.
Status RunUnit::Step(Event input) {
  input.id = replayer_->history_length() + 1;
  VORA_RETURN_IF_ERROR(replayer_->Apply(input));
  auto commands = replayer_->TakeCommands();
  std::vector<int64_t> canceled;
  for (const auto& recorded : commands) {
    VORA_RETURN_IF_ERROR(CheckCommand(recorded.command));
    if (recorded.command.type == v1::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED) {
      canceled.push_back(recorded.command.attributes.at("scheduled_event_id").get<int64_t>());
    }
  }
  Prefetch(canceled);
  events_.push_back(std::move(input));
  for (auto& recorded : commands) Record(std::move(recorded));
  mutable_run().history_length = replayer_->history_length();
  effects_.advanced = true;
  return {};
}

void RunUnit::Record(RecordedCommand recorded) {
  Command& command = recorded.command;
  Event event{recorded.event_id, command.type, run_.now_us, command.attributes};
  switch (command.type) {
    case v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: {
      const std::string& queue = command.options.queue();
      TaskRow task = NewTask(run_, recorded.event_id, command, context_.slots ? context_.slots(queue) : 0);
      tasks_[recorded.event_id] = {std::move(task), Fate::kNew};
      absent_.erase(recorded.event_id);
      break;
    }
    case v1::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
      Cancel(command.attributes.at("scheduled_event_id").get<int64_t>());
      break;
    case v1::EVENT_TYPE_TIMER_STARTED: {
      const int64_t fire_at = run_.now_us + command.attributes.value("after_ms", int64_t{0}) * 1000;
      timers_.push_back({run_.run_id, recorded.event_id, command.attributes.value("timer_id", ""), fire_at});
      if (effects_.next_timer_us == 0 || fire_at < effects_.next_timer_us) effects_.next_timer_us = fire_at;
      break;
    }
    case v1::EVENT_TYPE_TIMER_CANCELED:
      CancelTimer(command.attributes.at("started_event_id").get<int64_t>());
      break;
    default:
      // What is left are the three commands that end the run.
      Close(event);
  }
  events_.push_back(std::move(event));
}

void RunUnit::Cancel(int64_t id) {
  TaskRow* task = FindTask(id);
  if (!task) return;  // its end is in history, or waits in this unit
  if (task->started) {
    // Its report ends it.
    task->cancel_requested = true;
    Touch(*task);
    AddAttempts(*task, effects_.cancels);
    return;
  }
  // A task that no worker has is ended here, by an input of its own, so that history shows an end for every activity.
  EndTask(id);
  // Items that ended while the run was parked, after what cancels them now: nobody waits for them any more.
  std::erase_if(backlog_, [&](const Event& event) {
    return event.type == v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED && event.attributes.at("scheduled_event_id").get<int64_t>() == id;
  });
  Event canceled;
  canceled.type = v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED;
  canceled.time_us = run_.now_us;
  canceled.attributes = {{"scheduled_event_id", id}};
  waiting_.push_back(std::move(canceled));
}

void RunUnit::CancelTimer(int64_t id) {
  if (TakeTimer(id)) return;
  // It fired while the run was parked, after what cancels it now: the code does not know it any more.
  std::erase_if(backlog_, [&](const Event& event) {
    return event.type == v1::EVENT_TYPE_TIMER_FIRED && event.attributes.at("started_event_id").get<int64_t>() == id;
  });
}

void RunUnit::Close(const Event& event) {
  RunRow& run = mutable_run();
  run.close_time_us = run.now_us;
  if (event.type == v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED) {
    run.status = "COMPLETED";
    run.result = event.attributes.value("result", "");
  } else if (event.type == v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED) {
    run.status = "FAILED";
    run.failure = event.attributes.at("failure").dump();
  } else {
    run.status = "CANCELED";
  }
  effects_.closed = true;
}

void RunUnit::Park(const Status& why, Event input) {
  replayer_.reset();
  RunRow& run = mutable_run();
  // It may quote an exception of the definition; PostgreSQL refuses text that is not UTF-8.
  run.parked_reason = RepairUtf8(Message(why), kMaxParkedReason);
  run.parked_builds = {context_.build_id};
  effects_.parked = run.parked_reason;
  effects_.unparked = false;
  inbox_.push_back(std::move(input));
}

void RunUnit::TryAgain() {
  if (!run_.running()) return;
  // One that is not parked has an inbox only when an older build, which knows none, took it out of its parking.
  if (!run_.parked() && (fresh_ || inbox_emptied_ || loader_.LoadInbox(run_.run_id).empty())) return;
  Status agreed = Load();
  if (agreed.ok() && !replayer_->TakeCommands().empty()) {
    agreed = FailedPrecondition("nondeterminism: the code issued a command after the last event");
  }
  RunRow& run = mutable_run();
  if (!agreed.ok()) {
    replayer_.reset();
    if (!run.parked()) effects_.parked = RepairUtf8(Message(agreed), kMaxParkedReason);
    run.parked_reason = RepairUtf8(Message(agreed), kMaxParkedReason);
    std::erase(run.parked_builds, context_.build_id);
    run.parked_builds.push_back(context_.build_id);
    if (run.parked_builds.size() > kMaxParkedBuilds) run.parked_builds.erase(run.parked_builds.begin());
    return;
  }
  effects_.unparked = run.parked();
  run.parked_reason.clear();
  run.parked_builds.clear();
  // Those that came in this very unit are behind the stored ones, which an earlier try of it may have taken up.
  auto later = std::exchange(inbox_, {});
  const auto stored = inbox_emptied_ ? std::vector<InboxRow>() : loader_.LoadInbox(run_.run_id);
  if (!stored.empty()) inbox_emptied_ = true;
  for (const auto& row : stored) backlog_.push_back(row.event);
  for (auto& event : later) backlog_.push_back(std::move(event));
  while (!backlog_.empty()) {
    Event next = std::move(backlog_.front());
    backlog_.pop_front();
    Accept(std::move(next));
  }
}

void RunUnit::CloseFromOutside(v1::EventType type, const std::string& status, const v1::Failure& failure) {
  if (!run_.running()) return;
  RunRow& run = mutable_run();
  events_.push_back({++run.history_length, type, run.now_us, {{"reason", failure.message()}}});
  run.status = status;
  run.close_time_us = run.now_us;
  run.failure = FailureToJson(failure).dump();
  // Workers that hold its tasks are told that these are gone; what they report finds no row, and ABORTED stops them.
  effects_.closed = true;
  replayer_.reset();
}

// In one place, whatever has put the task back or made it.
void RunUnit::HoldIfPaused(TaskRow& task) const {
  if (!task.started) task.release_requested = false;
  task.held = run_.paused() && !task.started;
  // Nobody may take it, so nobody was too slow.
  if (task.held) task.schedule_to_start_deadline_us.reset();
}

void RunUnit::Finish(Changes& changes) {
  for (auto& event : events_) changes.events.emplace_back(run_.run_id, std::move(event));
  for (auto& attempt : attempts_) changes.attempts.push_back(std::move(attempt));
  if (effects_.closed) {
    RunRow& run = mutable_run();
    run.parked_reason.clear();
    run.parked_builds.clear();
    effects_.wakes.clear();
    effects_.releases.clear();
    effects_.next_timer_us = 0;
    if (!fresh_) changes.closed_runs.push_back(run_.run_id);
  } else {
    if (run_.paused()) effects_.wakes.clear();
    for (auto& [id, task] : tasks_) {
      if (task.fate == Fate::kNew || task.fate == Fate::kChanged) HoldIfPaused(task.row);
      if (task.fate == Fate::kChanged && task.row.second) changes.second_attempts.emplace_back(task.row.key(), *task.row.second);
      if (task.fate == Fate::kEnded && task.row.second) changes.ended_second_attempts.push_back(task.row.key());
      if (task.fate == Fate::kNew) changes.new_tasks.push_back(std::move(task.row));
      if (task.fate == Fate::kChanged) changes.tasks.push_back(std::move(task.row));
      if (task.fate == Fate::kEnded) changes.ended_tasks.push_back({run_.run_id, id});
    }
    for (auto& timer : timers_) changes.timers.push_back(std::move(timer));
    for (const int64_t id : ended_timers_) changes.ended_timers.push_back({run_.run_id, id});
    if (inbox_emptied_) changes.emptied_inboxes.push_back(run_.run_id);
    for (auto& event : inbox_) changes.inbox.emplace_back(run_.run_id, std::move(event));
    effects_.replayer = std::move(replayer_);
  }
  if (fresh_) {
    changes.new_runs.push_back(run_);
  } else if (run_changed_) {
    changes.runs.push_back(run_);
  }
  if (run_controlled_ && !fresh_) changes.controlled_runs.push_back(run_);
}

}  // namespace vora::workflow
