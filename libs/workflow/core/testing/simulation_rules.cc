#include "libs/workflow/core/testing/simulation_rules.h"

#include <algorithm>

namespace vora::workflow::simulation {
namespace {

// Replays cost as much as all other rules together.
constexpr int kCommitsPerReplay = 8;

bool EndsActivity(v1::EventType type) {
  return type == v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED || type == v1::EVENT_TYPE_ACTIVITY_TASK_FAILED ||
         type == v1::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT || type == v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED;
}

// Or items of it.
bool ReportsActivity(v1::EventType type) { return EndsActivity(type) || type == v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED; }

int64_t Number(const Event& event, const char* key) { return event.attributes.value(key, int64_t{0}); }

std::vector<const Event*> InputsOf(const Changes& changes, const std::string& run_id) {
  std::vector<const Event*> inputs;
  for (const auto& [id, event] : changes.events) {
    if (id == run_id && !IsCommandEvent(event.type)) inputs.push_back(&event);
  }
  for (const auto& [id, event] : changes.inbox) {
    if (id == run_id) inputs.push_back(&event);
  }
  return inputs;
}

std::set<std::string> Touched(const Changes& changes) {
  std::set<std::string> ids(changes.closed_runs.begin(), changes.closed_runs.end());
  ids.insert(changes.emptied_inboxes.begin(), changes.emptied_inboxes.end());
  for (const auto& row : changes.new_runs) ids.insert(row.run_id);
  for (const auto& row : changes.runs) ids.insert(row.run_id);
  for (const auto& row : changes.controlled_runs) ids.insert(row.run_id);
  for (const auto& [id, event] : changes.events) ids.insert(id);
  for (const auto& [id, event] : changes.inbox) ids.insert(id);
  for (const auto& row : changes.new_tasks) ids.insert(row.run_id);
  for (const auto& row : changes.tasks) ids.insert(row.run_id);
  for (const auto& key : changes.ended_tasks) ids.insert(key.run_id);
  return ids;
}

std::string Summary(const StoredRun& run) {
  std::string text = run.row.parked() ? "parked (" + run.row.parked_reason + "), " : "";
  text += std::to_string(run.tasks.size()) + " tasks, " + std::to_string(run.timers.size()) + " timers, after";
  for (const auto& event : run.events) text += " " + EventTypeName(event.type);
  return text;
}

template <typename Rows>
std::set<int64_t> KeysOf(const Rows& rows) {
  std::set<int64_t> keys;
  for (const auto& [id, row] : rows) keys.insert(id);
  return keys;
}

}  // namespace

SimulationRules::SimulationRules(const SimulatedStore& store, std::vector<std::shared_ptr<const ScriptPlan>> scripts)
    : store_(store), scripts_(std::move(scripts)), right_(ScriptRegistry(scripts_, {})) {
  const std::function<void(const std::string&, const ScriptNode&)> add = [&](const std::string& type, const ScriptNode& node) {
    if (node.kind == ScriptNode::Kind::kActivity) {
      const auto& retry = node.options.retry();
      limits_[type + node.name] = {retry.maximum_attempts(), retry.maximum_losses() > 0 ? retry.maximum_losses() : usual_.losses,
                                   node.options.has_schedule_to_close_timeout()};
    }
    for (const auto& part : node.parts) add(type, part);
  };
  for (size_t i = 0; i < scripts_.size(); ++i) add(TypeOf(i), scripts_[i]->root);
}

void SimulationRules::Break(const StoredRun& run, const std::string& what) {
  if (broken_.empty()) broken_ = run.row.run_id + ": " + what;
}

void SimulationRules::Before(const Changes& changes) {
  for (const auto& id : Touched(changes)) {
    const StoredRun* run = store_.Find(id);
    if (!run) continue;
    const auto inputs = InputsOf(changes, id);
    CheckLeases(*run, inputs);
    CheckOrder(*run, changes, inputs);
  }
}

// What a worker reports counts only from the attempt that has the task.
void SimulationRules::CheckLeases(const StoredRun& run, const std::vector<const Event*>& inputs) {
  for (const Event* input : inputs) {
    if (!ReportsActivity(input->type) || Number(*input, "lease") == 0) continue;
    const int64_t id = Number(*input, "scheduled_event_id");
    const bool waited = std::any_of(run.inbox.begin(), run.inbox.end(), [&](const InboxRow& row) {
      return row.event.type == input->type && Number(row.event, "scheduled_event_id") == id;
    });
    if (waited) continue;
    const auto task = run.tasks.find(id);
    const bool timed_out = input->type == v1::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT;
    const auto second = run.seconds.find(id);
    const bool has_second = second != run.seconds.end() && second->second.lease == Number(*input, "lease");
    const bool has = has_second || (task != run.tasks.end() && task->second.row.lease == Number(*input, "lease") &&
                                    (timed_out || task->second.row.started));
    if (has_second && input->type == v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED) ++won_;
    if (!has) return Break(run, "the end of activity " + std::to_string(id) + " was taken from an attempt that does not have it");
  }
}

// What waits in the inbox is consumed in order, before all that comes in later, and all of it unless the run ends.
void SimulationRules::CheckOrder(const StoredRun& run, const Changes& changes, const std::vector<const Event*>& inputs) {
  const auto& emptied = changes.emptied_inboxes;
  if (std::find(emptied.begin(), emptied.end(), run.row.run_id) == emptied.end()) return;
  const auto forgotten = [&](const Event& fired) {
    return fired.type == v1::EVENT_TYPE_TIMER_FIRED && std::any_of(changes.events.begin(), changes.events.end(), [&](const auto& entry) {
             return entry.first == run.row.run_id && entry.second.type == v1::EVENT_TYPE_TIMER_CANCELED &&
                    Number(entry.second, "started_event_id") == Number(fired, "started_event_id");
           });
  };
  // Items of a group that what came before them has cancelled.
  const auto unwanted = [&](const Event& items) {
    if (items.type != v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED) return false;
    const auto any = [&](const auto& matches) { return std::any_of(inputs.begin(), inputs.end(), matches); };
    const bool consumed = any([&](const Event* input) { return input->type == items.type && input->attributes == items.attributes; });
    return !consumed && any([&](const Event* input) {
      return input->type == v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED && Number(*input, "lease") == 0 &&
             Number(*input, "scheduled_event_id") == Number(items, "scheduled_event_id");
    });
  };
  auto input = inputs.begin();
  for (const auto& row : run.inbox) {
    if (forgotten(row.event) || unwanted(row.event)) continue;
    // What the consumption itself causes comes in between.
    while (input != inputs.end() && (*input)->type == v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED && Number(**input, "lease") == 0 &&
           (*input)->attributes != row.event.attributes) {
      ++input;
    }
    if (input == inputs.end() || (*input)->type != row.event.type || (*input)->attributes != row.event.attributes) {
      return Break(run, "inbox row " + std::to_string(row.seq) + " was lost or consumed out of order");
    }
    ++input;
  }
}

void SimulationRules::After(const Changes& changes, const std::string& violated) {
  if (!violated.empty() && broken_.empty()) broken_ = violated;
  if (!broken_.empty()) return;
  for (const auto& id : Touched(changes)) {
    if (const StoredRun* run = store_.Find(id)) CheckRun(*run);
  }
}

void SimulationRules::Acknowledged(const Call& call, const Answer& answer) {
  if (answer.run_id.empty() || answer.moot || !broken_.empty()) return;
  const StoredRun* run = store_.Find(answer.run_id);
  if (!run) {
    broken_ = "acknowledged, but there is no run " + answer.run_id + ": " + Describe(call);
    return;
  }
  promises_[answer.run_id].push_back(call);
  CheckPromises(*run, Derive(*run));
}

void SimulationRules::Refused(const Call& call, const Answer& answer) {
  const StoredRun* run = store_.Find(answer.run_id);
  if (!run || call.kind != Call::Kind::kComplete || call.more || !broken_.empty()) return;
  const auto taken = [&](const Event& event) {
    return event.type == v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED && Number(event, "scheduled_event_id") == call.event_id &&
           Number(event, "lease") == call.lease;
  };
  if (AnyInput(*run, taken)) Break(*run, "a report that was taken is refused: " + Describe(call));
}

void SimulationRules::CheckRun(const StoredRun& run) {
  const Derived derived = Derive(run);
  if (run.row.history_length != static_cast<int64_t>(run.events.size())) return Break(run, "history_length is not the number of events");
  if (run.row.running()) {
    CheckOpen(run, derived);
  } else {
    CheckClosed(run);
  }
  CheckAttempts(run, derived);
  CheckPromises(run, derived);
  if (++commits_[run.row.run_id] % kCommitsPerReplay == 0) CheckReplays(run);
}

SimulationRules::Derived SimulationRules::Derive(const StoredRun& run) {
  Derived derived;
  for (size_t i = 0; i < run.events.size(); ++i) {
    if (run.events[i].id != static_cast<int64_t>(i) + 1) Break(run, "event " + std::to_string(i + 1) + " is missing");
    Take(run, run.events[i], derived);
  }
  for (const auto& row : run.inbox) Take(run, row.event, derived);
  for (const auto& row : run.dropped) {
    // Or consumed by the transaction that closed the run; a timer may have been cancelled by it.
    if (row.event.type == v1::EVENT_TYPE_TIMER_FIRED) continue;
    // And so may the group of items.
    const bool canceled = !derived.activities.contains(Number(row.event, "scheduled_event_id"));
    if (row.event.type == v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED && canceled) continue;
    const auto same = [&](const Event& event) { return event.type == row.event.type && event.attributes == row.event.attributes; };
    if (std::none_of(run.events.begin(), run.events.end(), same)) Take(run, row.event, derived);
  }
  return derived;
}

void SimulationRules::Take(const StoredRun& run, const Event& event, Derived& derived) {
  const int64_t activity = Number(event, "scheduled_event_id"), timer = Number(event, "started_event_id");
  if (event.type == v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) {
    derived.activities.insert(event.id);
    derived.names[event.id] = event.attributes.at("activity_id").get<std::string>();
    for (const auto& item : event.attributes.value("items", nlohmann::json::array()))
      derived.items[event.id].insert(item.get<std::string>());
  } else if (event.type == v1::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED) {
    if (derived.activities.contains(activity)) derived.cancels.insert(activity);
  } else if (event.type == v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED) {
    TakeItems(run, event, derived);
  } else if (EndsActivity(event.type)) {
    TakeItems(run, event, derived);
    const auto left = derived.items.find(activity);
    if (event.type == v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED && left != derived.items.end() && !left->second.empty())
      Break(run, "a group was completed without an item");
    if (derived.activities.erase(activity) == 0) Break(run, "activity " + std::to_string(activity) + " ends twice");
    derived.ends[activity] = &event;
  } else if (event.type == v1::EVENT_TYPE_TIMER_STARTED) {
    derived.timers.insert(event.id);
  } else if (event.type == v1::EVENT_TYPE_TIMER_FIRED || event.type == v1::EVENT_TYPE_TIMER_CANCELED) {
    if (derived.timers.erase(timer) == 0) Break(run, "timer " + std::to_string(timer) + " ends twice");
  } else if (event.type == v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED) {
    if (++derived.run_cancels > 1) Break(run, "is cancelled twice");
  } else if (event.type == v1::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED) {
    if (++derived.signals[event.attributes.value("request_id", "")] > 1) Break(run, "a signal came twice");
  }
}

void SimulationRules::TakeItems(const StoredRun& run, const Event& event, Derived& derived) {
  const int64_t activity = Number(event, "scheduled_event_id");
  const auto ended = event.attributes.find("items");
  if (ended == event.attributes.end()) return;
  if (!derived.activities.contains(activity)) return Break(run, "items of activity " + std::to_string(activity) + " end after it");
  for (const auto& item : *ended) {
    const std::string name = item.at("name").get<std::string>();
    if (derived.items[activity].erase(name) == 0) Break(run, "item " + name + " of activity " + std::to_string(activity) + " ends twice");
    derived.item_ends[activity][name] = {&event, &item};
  }
}

void SimulationRules::CheckClosed(const StoredRun& run) {
  if (!run.tasks.empty() || !run.timers.empty() || !run.inbox.empty()) return Break(run, "is closed and has tasks, timers or an inbox");
  if (!run.seconds.empty()) return Break(run, "is closed and has second attempts");
  if (!run.row.close_time_us || run.row.parked()) return Break(run, "is closed without a time, or parked");
  const std::string last = run.events.empty() ? "" : EventTypeName(run.events.back().type);
  if (last != "WORKFLOW_EXECUTION_" + run.row.status) Break(run, "is " + run.row.status + " after " + last);
}

void SimulationRules::CheckOpen(const StoredRun& run, const Derived& derived) {
  if (KeysOf(run.tasks) != derived.activities) return Break(run, "its tasks are not the activities that have not ended");
  if (KeysOf(run.timers) != derived.timers) return Break(run, "its timers are not those that have not ended");
  if (run.row.parked() == run.inbox.empty()) return Break(run, "only a parked run has an inbox, and each has one");
  if (run.row.cancel_requested != (derived.run_cancels == 1)) return Break(run, "cancel_requested is not what its events say");
  const auto& tried = run.row.parked_builds;
  if (std::find(tried.begin(), tried.end(), kRightBuild) != tried.end()) Break(run, "the right code parked it: " + run.row.parked_reason);
  CheckPause(run);
  CheckSeconds(run);
  for (const auto& [id, task] : run.tasks) {
    if (task.row.cancel_requested != derived.cancels.contains(id))
      return Break(run, "cancel_requested of a task is not what its events say");
    std::set<std::string> items;
    for (const auto& item : task.row.items) items.insert(item.name);
    const auto open = derived.items.find(id);
    if (items != (open == derived.items.end() ? std::set<std::string>() : open->second)) {
      return Break(run, "items of a task are not those that have not ended");
    }
    if (task.row.cancel_requested && !task.row.started) return Break(run, "a task waits for a worker that nobody wants any more");
  }
}

// At most one for each task, ever, beside an attempt of another worker.
void SimulationRules::CheckSeconds(const StoredRun& run) {
  for (const auto& [id, second] : run.seconds) {
    const auto task = run.tasks.find(id);
    if (task == run.tasks.end()) return Break(run, "a second attempt is left of an activity that has ended");
    auto& pair = pairs_[{run.row.run_id, id}];
    if (second.lease == 0) continue;
    const TaskRow& row = task->second.row;
    if (!row.started || !row.allows_second) return Break(run, "a second attempt without a first, or that is not allowed");
    if (row.lease == second.lease || row.worker_id == second.worker_id) return Break(run, "two attempts are one");
    pair.insert({row.lease, second.lease});
    if (pair.size() > 2) return Break(run, "a third attempt at the same time");
  }
}

// In a paused run nothing begins, and what runs is asked for; in any other nothing is held back.
void SimulationRules::CheckPause(const StoredRun& run) {
  for (const auto& [id, task] : run.tasks) {
    const TaskRow& row = task.row;
    if (row.held != (run.row.paused() && !row.started)) return Break(run, "a task is held without a pause, or not held in one");
    if (row.held && row.schedule_to_start_deadline_us) return Break(run, "the time to start is counted in a pause");
    if (row.release_requested && !(run.row.paused() && row.started)) return Break(run, "a task is asked for without a pause");
    if (!run.row.paused() || !row.started) continue;
    if (!row.release_requested && !row.cancel_requested) return Break(run, "a task runs in a pause, and nobody asks for it");
    if (*row.started_time_us > *run.row.paused_at_us) return Break(run, "a task was begun in a pause");
  }
}

void SimulationRules::CheckAttempts(const StoredRun& run, const Derived& derived) {
  // By activity and the id that people see, which is that of the item.
  std::map<std::pair<int64_t, std::string>, Attempts> made;
  for (const auto& attempt : run.attempts) {
    Attempts& of_activity = made[{attempt.key.event_id, attempt.activity_id}];
    of_activity.lost += attempt.outcome == "LOST" ? 1 : 0;
    of_activity.failed += attempt.outcome == "FAILED" || attempt.outcome == "TIMED_OUT" ? 1 : 0;
  }
  for (const auto& [key, attempts] : made) {
    const int64_t id = key.first;
    const auto found = limits_.find(run.row.type + derived.names.at(id));
    Limits limits = found == limits_.end() ? usual_ : found->second;
    limits.more = pairs_.contains({run.row.run_id, id}) ? 1 : 0;
    if (limits.attempts > 0 && attempts.failed > limits.attempts + limits.more) return Break(run, "an activity has too many attempts");
    if (attempts.lost > limits.losses + limits.more) return Break(run, "an activity has too many losses");
    if (const auto* end = EndOf(derived, id, key.second)) CheckLast(run, *end, attempts, limits);
  }
  for (const auto& [id, task] : run.tasks) {
    for (const auto& item : task.row.items) {
      const Attempts attempts = made[{id, ItemActivityId(item.name, task.row.activity_id)}];
      if (task.row.losses != attempts.lost || item.failures != attempts.failed) {
        return Break(run, "attempts of item " + item.name + " are not those that have ended");
      }
    }
    if (!task.row.items.empty()) continue;
    const Attempts attempts = made[{id, task.row.activity_id}];
    if (task.row.losses != attempts.lost || task.row.attempt != 1 + attempts.lost + attempts.failed) {
      return Break(run, "attempts of activity " + std::to_string(id) + " are not those that have ended");
    }
  }
}

// What history says of the end of an activity, or of the item that `shown_as` names; nullptr while it is open.
const nlohmann::json* SimulationRules::EndOf(const Derived& derived, int64_t activity, const std::string& shown_as) {
  if (const auto items = derived.item_ends.find(activity); items != derived.item_ends.end()) {
    const auto item = items->second.find(shown_as.substr(0, shown_as.find('/')));
    if (item != items->second.end()) return item->second.second;
  }
  const auto end = derived.ends.find(activity);
  return end == derived.ends.end() ? nullptr : &end->second->attributes;
}

// An activity is given up only when its policy says so; losses do not count as failures.
void SimulationRules::CheckLast(const StoredRun& run, const nlohmann::json& end, const Attempts& made, const Limits& limits) {
  const std::string code = FailureFromJson(end.value("failure", nlohmann::json::object())).code();
  if (limits.hurried) return;
  const bool failed = code == "flaky" || code == "timeout.start_to_close";
  if (failed && (limits.attempts == 0 || made.failed < limits.attempts)) Break(run, "an activity was given up before its last attempt");
  if (code == "timeout.heartbeat" && made.lost < limits.losses) Break(run, "an activity was given up before its last loss");
}

// What a worker said of an item, and heard that it was taken.
bool SimulationRules::KeptItem(const StoredRun& run, const Derived& derived, const Call& call, const v1::ItemOutcome& outcome) const {
  if (outcome.released()) return true;
  const auto ends = derived.item_ends.find(call.event_id);
  const bool has_ended = ends != derived.item_ends.end() && ends->second.contains(outcome.name());
  // Of two attempts the first to end counts.
  if (has_ended && side_by_side_.contains({call.lease, Number(*ends->second.at(outcome.name()).first, "lease")})) return true;
  if (outcome.has_failure()) {
    return std::any_of(run.attempts.begin(), run.attempts.end(), [&](const AttemptRow& row) {
      return row.key.event_id == call.event_id && row.lease == call.lease && row.activity_id.starts_with(outcome.name() + "/");
    });
  }
  if (!has_ended) return false;
  const auto& [event, item] = ends->second.at(outcome.name());
  return Number(*event, "lease") == call.lease && item->value("result", "") == outcome.result();
}

void SimulationRules::CheckPromises(const StoredRun& run, const Derived& derived) {
  for (const Call& call : promises_[run.row.run_id]) {
    const auto end = derived.ends.find(call.event_id);
    const bool ended = end != derived.ends.end() && Number(*end->second, "lease") == call.lease;
    const auto has_attempt = [&] {
      return std::any_of(run.attempts.begin(), run.attempts.end(),
                         [&](const AttemptRow& row) { return row.key.event_id == call.event_id && row.lease == call.lease; });
    };
    bool kept = true;
    if (call.kind == Call::Kind::kStart) {
      kept = !run.events.empty() || !run.inbox.empty() || !run.dropped.empty();
    } else if (call.kind == Call::Kind::kComplete && !call.items.empty()) {
      kept =
          (end != derived.ends.end() && end->second->type == v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED) ||
          std::all_of(call.items.begin(), call.items.end(), [&](const auto& entry) { return KeptItem(run, derived, call, entry.second); });
    } else if (call.kind == Call::Kind::kComplete) {
      kept =
          ended && (end->second->type == v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED || end->second->attributes.value("result", "") == call.text);
    } else if (call.kind == Call::Kind::kFail) {
      kept = ended || has_attempt() || given_back_.contains(call.token().Encode());
    } else if (call.kind == Call::Kind::kSignal) {
      kept = derived.signals.contains(call.request_id);
    } else if (call.kind == Call::Kind::kCancel) {
      kept = run.row.cancel_requested || !run.row.running();
    } else if (call.kind == Call::Kind::kTerminate) {
      kept = !run.row.running();
    }
    if (!kept) return Break(run, "acknowledged and lost: " + Describe(call));
  }
}

void SimulationRules::CheckReplays(const StoredRun& run) {
  const RunInfo info{run.row.workflow_id, run.row.run_id, run.row.tenant, run.row.type};
  const Status agrees = CheckReplay(right_, info, run.events);
  if (!agrees.ok()) Break(run, Message(agrees));
}

void SimulationRules::CheckEnd() {
  for (const auto& [id, run] : store_.runs()) {
    CheckReplays(run);
    if (run.row.running()) Break(run, "has not ended: " + Summary(run));
    CheckResult(run);
  }
}

// Of a group whose activity has ended: as its script makes one of all of them.
ActivityEnd SimulationRules::EndOfItems(const Derived& derived, int64_t activity) {
  std::map<std::string, ActivityEnd> items;
  const auto failure_in = [](const nlohmann::json& json) {
    return FailureFromJson(json.value("failure", nlohmann::json::object())).code();
  };
  if (const auto left = derived.items.find(activity); left != derived.items.end()) {
    for (const auto& name : left->second) items[name] = {false, "", failure_in(derived.ends.at(activity)->attributes)};
  }
  if (const auto ended = derived.item_ends.find(activity); ended != derived.item_ends.end()) {
    for (const auto& [name, end] : ended->second)
      items[name] = {!end.second->contains("failure"), end.second->value("result", ""), failure_in(*end.second)};
  }
  ActivityEnd all{true, "", ""};
  for (const auto& [name, item] : items) {
    all.result += item.result;
    if (!item.ok && all.ok) all.failure = item.failure;
    all.ok &= item.ok;
  }
  return all;
}

// As a run ends that nothing has disturbed.
void SimulationRules::CheckResult(const StoredRun& run) {
  const ScriptPlan& script = ScriptOf(run.row);
  const bool by_script = run.row.status == "COMPLETED" || run.row.status == "FAILED";
  if (script.races || run.row.cancel_requested || !by_script || !broken_.empty()) return;
  std::map<std::string, ActivityEnd> ends;
  int undone = 0;
  const Derived derived = Derive(run);
  for (const auto& [id, name] : derived.names) {
    undone += name.starts_with("undo-") ? 1 : 0;
    const auto found = derived.ends.find(id);
    if (found == derived.ends.end()) return Break(run, "has ended by itself before activity " + name);
    const Event& event = *found->second;
    if (derived.item_ends.contains(id) || derived.items.contains(id)) {
      ends[name] = EndOfItems(derived, id);
      continue;
    }
    ends[name] = {event.type == v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, event.attributes.value("result", ""),
                  FailureFromJson(event.attributes.value("failure", nlohmann::json::object())).code()};
  }
  const ScriptEnd expected = ExpectedEnd(script, [&](const std::string& name) {
    if (!ends.contains(name)) Break(run, "has ended without activity " + name);
    return ends[name];
  });
  ++compared_;
  const bool completed = run.row.status == "COMPLETED";
  const std::string failure = completed ? "" : FailureFromJson(nlohmann::json::parse(run.row.failure)).code();
  if (completed != expected.ok || failure != expected.failure) return Break(run, "ended as " + run.row.status + " " + failure);
  if (completed && run.row.result != expected.results) return Break(run, "result " + run.row.result + " instead of " + expected.results);
  if (undone != (completed ? 0 : expected.undone)) Break(run, "not all was undone, or too much");
}

}  // namespace vora::workflow::simulation
