#include <algorithm>
#include <utility>

#include "libs/workflow/definition/run_state_internal.h"

namespace vora::workflow {
namespace {

v1::Failure CanceledFailure() { return MakeFailure("canceled", "canceled by the workflow", true); }

ActivityResult Canceled() { return {false, true, {}, CanceledFailure()}; }

// An activity, and what is left of a group.
void EndWhole(Wait& wait, ActivityResult result) {
  for (auto& item : wait.items) wait.ended.push_back({std::move(item), result});
  wait.items.clear();
  wait.result = std::move(result);
}

// What `attributes` tell of each item.
void TakeItems(Wait& wait, const nlohmann::json& attributes) {
  for (const auto& ended : attributes.value("items", nlohmann::json::array())) {
    const std::string name = ended.value("name", "");
    if (std::erase(wait.items, name) == 0) continue;
    ActivityResult result;
    result.ok = !ended.contains("failure");
    if (result.ok) {
      result.result = ended.value("result", "");
    } else {
      result.failure = FailureFromJson(ended.at("failure"));
    }
    wait.ended.push_back({name, std::move(result)});
  }
}

void EndCompleted(Wait& wait, const nlohmann::json& attributes) {
  if (wait.kind != Wait::Kind::kGroup) {
    wait.result.ok = true;
    wait.result.result = attributes.value("result", "");
    return;
  }
  TakeItems(wait, attributes);
  // Cannot be, unless something that knows no groups ended it.
  EndWhole(wait, {false, false, {}, MakeFailure("workflow.bad_result", "the group ended without a word on this item", true)});
}

}  // namespace

Scope::~Scope() {
  // One after the other: a long chain of scopes would recurse too deeply.
  for (auto next = std::move(parent); next && next.use_count() == 1;) next = std::move(next->parent);
}

bool IsCancelled(const Scope* scope) {
  for (; scope; scope = scope->parent.get()) {
    if (scope->cancelled) return true;
  }
  return false;
}

Wait::~Wait() { state->Abandon(*this); }

RunState::~RunState() {
  // Waits that die with the run are not abandoned by its code: they must issue no cancel commands.
  tearing_down_ = true;
  root_.reset();
}

void RunState::CancelScope(Scope& scope) {
  scope.cancelled = true;
  // Collected first, as resolving changes `open_`; by seq, so that every replay issues the cancels in the same order. Nothing is resumed
  // here: the caller may be one of the coroutines.
  std::vector<Wait*> hit;
  for (const auto& [seq, wait] : open_) {
    if (IsCancelled(wait->scope)) hit.push_back(wait);
  }
  for (Wait* wait : hit) {
    RequestCancel(*wait);
    EndWhole(*wait, Canceled());
    Resolve(*wait);
  }
}

void RunState::Open(Wait& wait, std::optional<IssuedCommand> command) {
  wait.seq = next_seq_++;
  open_.emplace_hint(open_.end(), wait.seq, &wait);
  if (!command) return;
  command->seq = wait.seq;
  commands_.push_back(std::move(*command));
}

void RunState::Resolve(Wait& wait) {
  open_.erase(wait.seq);
  Wake(wait);
}

void RunState::Wake(Wait& wait) {
  if (wait.handle) ready_.push_back(&wait);
}

void RunState::RequestCancel(const Wait& wait) {
  if (wait.kind == Wait::Kind::kSignal) return;
  IssuedCommand command;
  command.type = wait.kind == Wait::Kind::kTimer ? v1::EVENT_TYPE_TIMER_CANCELED : v1::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED;
  command.target_seq = wait.seq;
  commands_.push_back(std::move(command));
}

void RunState::Abandon(Wait& wait) {
  // The frame of `wait` is going away. If it was resolved and not yet resumed (the loser of a WhenAny), a handle left in `ready_` would
  // dangle.
  if (tearing_down_ || wait.seq == 0) return;
  std::erase(ready_, &wait);
  if (open_.erase(wait.seq) > 0) RequestCancel(wait);
}

std::optional<std::string> RunState::TakeSignal(const std::string& name) {
  const auto queue = signals_.find(name);
  if (queue == signals_.end()) return std::nullopt;
  std::string input = std::move(queue->second.front());
  queue->second.pop_front();
  if (queue->second.empty()) signals_.erase(queue);
  return input;
}

IssuedCommand RunState::Record(int64_t event_id) {
  IssuedCommand issued = std::move(commands_.front());
  commands_.pop_front();
  if (issued.seq != 0) {
    seq_of_event_.emplace_hint(seq_of_event_.end(), event_id, issued.seq);
    event_of_seq_.emplace_hint(event_of_seq_.end(), issued.seq, event_id);
  }
  if (issued.target_seq != 0) {
    // The wait's own command stands before its cancel in the queue, so it has an event by now.
    const auto target = event_of_seq_.find(issued.target_seq);
    issued.target_event = target->second;
    // A cancelled timer has no further event; a cancelled activity still ends with ACTIVITY_TASK_CANCELED or its worker's report.
    if (issued.type == v1::EVENT_TYPE_TIMER_CANCELED) {
      seq_of_event_.erase(target->second);
      event_of_seq_.erase(target);
    }
  }
  return issued;
}

Status RunState::ResolveEvent(const char* id_key, const Event& event, const std::function<void(Wait&)>& fill) {
  const int64_t id = event.attributes.value(id_key, int64_t{0});
  const auto it = seq_of_event_.find(id);
  if (it == seq_of_event_.end()) {
    return FailedPrecondition("nondeterminism: event " + std::to_string(event.id) + " " + EventTypeName(event.type) + " ends what event " +
                              std::to_string(id) + " did not begin");
  }
  const auto open = open_.find(it->second);
  event_of_seq_.erase(it->second);
  seq_of_event_.erase(it);
  if (open == open_.end()) return {};  // canceled meanwhile: nobody waits for it any more
  Wait& wait = *open->second;
  fill(wait);
  Resolve(wait);
  return {};
}

// The group goes on with the rest.
Status RunState::EndItems(const Event& event) {
  const int64_t id = event.attributes.value("scheduled_event_id", int64_t{0});
  const auto it = seq_of_event_.find(id);
  if (it == seq_of_event_.end()) {
    return FailedPrecondition("nondeterminism: event " + std::to_string(event.id) + " " + EventTypeName(event.type) +
                              " ends items of event " + std::to_string(id) + ", which did not begin a group");
  }
  const auto open = open_.find(it->second);
  if (open == open_.end()) return {};  // canceled meanwhile
  TakeItems(*open->second, event.attributes);
  if (!open->second->ended.empty()) Wake(*open->second);
  return {};
}

Status RunState::Deliver(const Event& event) {
  now_us_ = event.time_us;
  const auto& attributes = event.attributes;
  switch (event.type) {
    case v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED:
      if (root_) return FailedPrecondition("nondeterminism: the run was started twice");
      root_.emplace(RunWhole(this, WorkflowContext(this, scope_), attributes.value("input", "")));
      root_->Start();
      break;
    case v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
      VORA_RETURN_IF_ERROR(ResolveEvent("scheduled_event_id", event, [&](Wait& wait) { EndCompleted(wait, attributes); }));
      break;
    case v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED:
      VORA_RETURN_IF_ERROR(EndItems(event));
      break;
    case v1::EVENT_TYPE_ACTIVITY_TASK_FAILED:
    case v1::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT:
      VORA_RETURN_IF_ERROR(ResolveEvent("scheduled_event_id", event, [&](Wait& wait) {
        EndWhole(wait, {false, false, {}, FailureFromJson(attributes.value("failure", nlohmann::json::object()))});
      }));
      break;
    case v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED:
      VORA_RETURN_IF_ERROR(ResolveEvent("scheduled_event_id", event, [&](Wait& wait) { EndWhole(wait, Canceled()); }));
      break;
    case v1::EVENT_TYPE_TIMER_FIRED:
      VORA_RETURN_IF_ERROR(ResolveEvent("started_event_id", event, [&](Wait& wait) { wait.result.ok = true; }));
      break;
    case v1::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED: {
      const std::string name = attributes.value("name", "");
      // Through the queue even when somebody waits, so that signals are taken in order of arrival; of several who wait the first registered
      // gets it.
      signals_[name].push_back(attributes.value("input", ""));
      const auto waiting = std::find_if(open_.begin(), open_.end(), [&](const auto& entry) {
        return entry.second->kind == Wait::Kind::kSignal && entry.second->name == name;
      });
      if (waiting == open_.end()) break;
      Wait& wait = *waiting->second;
      wait.result.ok = true;
      wait.result.result = *TakeSignal(name);
      Resolve(wait);
      break;
    }
    case v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED:
      // The root's own scope. Detached ones have no parent, so cleanup goes on.
      if (root_) CancelScope(*scope_);
      break;
    case v1::EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED:
    case v1::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT:
      // Ended from outside: the code is not asked, and must not be resumed to issue commands that nobody records.
      closed_ = true;
      return {};
    default:
      return FailedPrecondition("nondeterminism: event " + std::to_string(event.id) + " of type " + EventTypeName(event.type) +
                                " is no input");
  }
  // Resumed only after the event is dealt with in full: a coroutine that runs may open, cancel and destroy other waits.
  return Drain();
}

Status RunState::Drain() {
  while (!ready_.empty()) {
    Wait* wait = ready_.front();
    ready_.pop_front();
    // Off the queue before it runs, as it may end and take the wait with it. A group may have been woken twice.
    if (const auto handle = std::exchange(wait->handle, nullptr)) handle.resume();
  }
  if (!root_ || closed_ || !root_->done()) return {};
  try {
    Close(root_->Take());
  } catch (const std::exception& e) {
    // A throw is a fault of the code, not an outcome of the workflow: the run is parked until better code runs, and nothing is lost.
    return FailedPrecondition(std::string("the workflow's code threw: ") + e.what());
  }
  return {};
}

void RunState::Close(WorkflowResult result) {
  closed_ = true;
  if (result.state == WorkflowResult::State::kCompleted && result.result.size() > kMaxPayloadBytes) {
    result = WorkflowResult::Failed(MakeFailure("workflow.payload_too_large", "the workflow's result is larger than 1 MiB"));
  }
  IssuedCommand command;
  command.closing = nlohmann::json::object();
  switch (result.state) {
    case WorkflowResult::State::kCompleted:
      command.type = v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED;
      command.closing["result"] = std::move(result.result);
      break;
    case WorkflowResult::State::kFailed:
      command.type = v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED;
      command.closing["failure"] = FailureToJson(result.failure);
      break;
    case WorkflowResult::State::kCanceled:
      command.type = v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED;
      break;
  }
  if (!failed_compensations_.empty()) command.closing["failed_compensations"] = std::move(failed_compensations_);
  commands_.push_back(std::move(command));
}

}  // namespace vora::workflow
