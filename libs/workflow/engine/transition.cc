#include <algorithm>
#include <climits>

#include "libs/workflow/engine/transition_internal.h"

namespace vora::workflow {
namespace {

constexpr int kHistoryPage = INT_MAX;

Status CheckOptions(const v1::ActivityOptions& options) {
  if (options.queue().empty()) return FailedPrecondition("the workflow's code scheduled an activity without a queue");
  if (!options.has_start_to_close_timeout() && !options.has_schedule_to_close_timeout()) {
    return FailedPrecondition(
        "the workflow's code scheduled an activity with neither start_to_close_timeout nor schedule_to_close_timeout");
  }
  return {};
}

}  // namespace

Status Transition::Parked(Status status) {
  if (!status.ok()) effects_.parked = Message(status);
  return status;
}

Status Transition::Load() {
  // Taken from the cache for good: whatever goes wrong below, a half advanced replayer is dropped, and the next transition replays from the
  // start.
  replayer_ = cache_.Take(run_.run_id, run_.history_length);
  if (!replayer_) {
    auto created = Replayer::Create(registry_, {run_.workflow_id, run_.run_id, run_.tenant, run_.type});
    if (!created.ok()) return Parked(FailedPrecondition(Message(created.status())));
    replayer_ = std::move(created).value();
  }
  if (replayer_->history_length() == run_.history_length) return {};
  for (const Event& event : repo::LoadHistory(tx_, run_.run_id, replayer_->history_length(), kHistoryPage)) {
    VORA_RETURN_IF_ERROR(Parked(replayer_->Apply(event)));
  }
  return {};
}

Status Transition::Check() {
  VORA_RETURN_IF_ERROR(Load());
  if (!replayer_->TakeCommands().empty())
    return Parked(FailedPrecondition("nondeterminism: the code issued a command after the last event"));
  return {};
}

Status Transition::Run(Event input) {
  VORA_RETURN_IF_ERROR(Load());
  inbox_.push_back(std::move(input));
  // One input per step, so that the commands after it are exactly its own. A cancel may add inputs of its own, which follow in the same
  // transaction. What comes after the close has no place in history.
  while (!inbox_.empty() && run_.running()) {
    Event next = std::move(inbox_.front());
    inbox_.pop_front();
    VORA_RETURN_IF_ERROR(Step(std::move(next)));
  }
  Write();
  return {};
}

Status Transition::Step(Event input) {
  input.id = replayer_->history_length() + 1;
  input.time_us = run_.now_us;
  VORA_RETURN_IF_ERROR(Parked(replayer_->Apply(input)));
  events_.push_back(std::move(input));
  for (auto& recorded : replayer_->TakeCommands()) VORA_RETURN_IF_ERROR(Handle(std::move(recorded)));
  return {};
}

Status Transition::Handle(RecordedCommand recorded) {
  Command& command = recorded.command;
  Event event{recorded.event_id, command.type, run_.now_us, command.attributes};
  switch (command.type) {
    case v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
      // A fault of the definition, and no worker's: without a timeout a lost task would never end.
      VORA_RETURN_IF_ERROR(Parked(CheckOptions(command.options)));
      tasks_.push_back({recorded.event_id, std::move(command)});
      break;
    case v1::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
      HandleCancel(command.attributes.at("scheduled_event_id").get<int64_t>());
      break;
    case v1::EVENT_TYPE_TIMER_STARTED:
      timers_.push_back({recorded.event_id, command.attributes.value("timer_id", ""),
                         run_.now_us + command.attributes.value("after_ms", int64_t{0}) * 1000});
      break;
    case v1::EVENT_TYPE_TIMER_CANCELED: {
      const auto started = command.attributes.at("started_event_id").get<int64_t>();
      // Timers and tasks of this transition are not in the database yet: to take them off the list is enough, and nobody has seen them.
      if (std::erase_if(timers_, [&](const NewTimer& timer) { return timer.event_id == started; }) == 0) {
        repo::DeleteTimer(tx_, {run_.run_id, started});
      }
      break;
    }
    default:
      // What is left are the three commands that end the run.
      Close(event);
  }
  events_.push_back(std::move(event));
  return {};
}

void Transition::HandleCancel(int64_t scheduled) {
  // A task that no worker has is ended here, by an input of its own, so that history shows an end for every activity.
  const bool gone = std::erase_if(tasks_, [&](const repo::RecordedTask& task) { return task.event_id == scheduled; }) > 0 ||
                    repo::CancelTask(tx_, {run_.run_id, scheduled});
  if (!gone) return;  // a worker has it; its report ends it
  Event canceled;
  canceled.type = v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED;
  canceled.attributes = {{"scheduled_event_id", scheduled}};
  inbox_.push_back(std::move(canceled));
}

void Transition::Close(const Event& event) {
  run_.close_time_us = run_.now_us;
  if (event.type == v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED) {
    run_.status = "COMPLETED";
    run_.result = event.attributes.value("result", "");
  } else if (event.type == v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED) {
    run_.status = "FAILED";
    run_.failure = event.attributes.at("failure").dump();
  } else {
    run_.status = "CANCELED";
  }
}

void Transition::Write() {
  repo::AppendEvents(tx_, run_.run_id, events_);
  run_.history_length = replayer_->history_length();
  // To have come here, code and history agree again; waiting tasks of the run may be given out from this commit on.
  if (!run_.parked_reason.empty()) {
    run_.parked_reason.clear();
    repo::UnparkTasks(tx_, run_.run_id);
  }
  if (run_.running()) {
    if (!tasks_.empty()) repo::InsertTasks(tx_, run_, tasks_);
    for (const auto& timer : timers_) repo::InsertTimer(tx_, {run_.run_id, timer.event_id}, timer.timer_id, timer.fire_at_us);
    // Noted, not called: wake-ups are for what is committed.
    for (const auto& task : tasks_) effects_.ready_queues.insert(task.command.options.queue());
    effects_.replayer = std::move(replayer_);
  } else {
    repo::DeleteOpenWork(tx_, run_.run_id);
    effects_.closed = true;
  }
  repo::UpdateRun(tx_, run_);
}

}  // namespace vora::workflow
