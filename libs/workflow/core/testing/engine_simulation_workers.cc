#include "libs/workflow/core/testing/engine_simulation.h"

namespace vora::workflow::simulation {
void EngineSimulation::Poll(size_t index) {
  Worker& worker = workers_[index];
  At(dice_.Between(200 * kMilli, kSecond), What::kPoll, index);
  if (!worker.alive || worker.claiming || worker.held.size() >= worker.slots) return;
  Call call;
  if (!store_.HasReady()) {
    const auto running = store_.RunningElsewhere(worker.name);
    if (running.empty() || !dice_.Percent(60)) return;
    const TaskToken& first = running[static_cast<size_t>(dice_.Below(static_cast<int64_t>(running.size())))];
    call.kind = Call::Kind::kSecond;
    call.run_id = first.run_id;
    call.event_id = first.event_id;
    call.lease = first.lease;
    call.second_lease = 1 + dice_.Below(int64_t{1} << 52);
    call.text = worker.name;
    rules_.SideBySide(call.lease, call.second_lease);
    worker.claiming = true;
    return Send(Make(std::move(call), index));
  }
  worker.claiming = true;
  call.kind = Call::Kind::kClaim;
  call.text = worker.name;
  call.limit = static_cast<int>(worker.slots - worker.held.size());
  Send(Make(std::move(call), index));
}

// How the items of a group end, by lot; when all is calm they succeed. Some are told of while the others go on, and in the end again.
void EngineSimulation::EndItems(Worker& worker, const TaskRow& task, Call& call) {
  auto& done = worker.done[TaskToken::Of(task).Encode()];
  call.more = done.size() + 1 < task.items.size() && dice_.Percent(30);
  for (const auto& item : task.items) {
    if (const auto told = done.find(item.name); told != done.end()) {
      call.items.insert(*told);
      continue;
    }
    if (call.more && dice_.Percent(50)) continue;
    v1::ItemOutcome outcome;
    outcome.set_name(item.name);
    const int64_t lot = calm_ || call.more ? 0 : dice_.Below(100);
    if (lot < 60) {
      outcome.set_result(item.name + " " + call.text);
    } else if (lot < 75) {
      outcome.set_released(true);
    } else {
      outcome.mutable_failure()->set_code(lot > 97 ? "fatal" : "flaky");
    }
    if (call.more) done[item.name] = outcome;
    call.items[item.name] = std::move(outcome);
  }
  if (call.items.empty()) EndItems(worker, task, call);
}

// The end of an attempt, by lot; when all is calm it succeeds.
void EngineSimulation::Worked(size_t index, size_t work) {
  Worker& worker = workers_[index];
  const auto held = worker.held.find(work_[work]);
  if (!worker.alive || held == worker.held.end() || worker.ended.contains(held->first)) return;
  const TaskRow& task = held->second;
  Call call;
  call.kind = Call::Kind::kComplete;
  call.run_id = task.run_id;
  call.event_id = task.scheduled_event_id;
  call.lease = task.lease;
  call.text = "done by " + std::to_string(task.lease % 1000);
  const int64_t lot = calm_ ? 0 : dice_.Below(100);
  if (task.cancel_requested && dice_.Percent(70)) {
    call.kind = Call::Kind::kFail;
    call.text = "canceled";
    call.canceled = true;
  } else if (task.release_requested && dice_.Percent(80)) {
    call.kind = Call::Kind::kRelease;
    rules_.GivenBack(call.token());
    ++report_.counts.handed_back;
  } else if (lot >= 94) {
    Note(worker.name + " hangs at " + held->first);
    return;
  } else if (lot >= 88) {
    call.kind = Call::Kind::kRelease;
    rules_.GivenBack(call.token());
  } else if (lot >= 72) {
    call.kind = Call::Kind::kFail;
    call.text = lot >= 86 ? "fatal" : "flaky";
  }
  if (call.kind == Call::Kind::kComplete && !task.items.empty()) EndItems(worker, task, call);
  if (call.more) {
    At(dice_.Between(10 * kMilli, kSecond), What::kWorked, index, work);
  } else {
    worker.ended.insert(held->first);
  }
  const size_t sent = Make(std::move(call), index);
  Send(sent);
  if (!calm_ && dice_.Percent(5)) At(dice_.Below(5 * kSecond), What::kClient, sent);
}

void EngineSimulation::Renew(size_t index) {
  Worker& worker = workers_[index];
  At(kSecond, What::kRenew, index);
  if (!worker.alive || worker.held.empty()) return;
  if (worker.leased) {
    Call call;
    call.kind = Call::Kind::kRenew;
    call.text = worker.name;
    for (const auto& [token, task] : worker.held) call.tokens.insert(token);
    return Send(Make(std::move(call), index));
  }
  for (const auto& [token, task] : worker.held) {
    Call call;
    call.kind = Call::Kind::kHeartbeat;
    call.run_id = task.run_id;
    call.event_id = task.scheduled_event_id;
    call.lease = task.lease;
    Send(Make(std::move(call), index));
  }
}

// Or leaves in order, and says so.
void EngineSimulation::Die(size_t index) {
  if (calm_) return;
  Worker& worker = workers_[index];
  const bool leaves = dice_.Percent(30);
  Note(worker.name + (leaves ? " leaves" : " dies"));
  ++report_.counts.deaths;
  for (const auto& [token, task] : worker.held) rules_.GivenBack(TaskToken::Of(task));
  worker.alive = false;
  ++worker.life;
  worker.held.clear();
  worker.claiming = false;
  if (leaves) {
    Call call;
    call.kind = Call::Kind::kLeave;
    call.text = worker.name;
    Send(Make(std::move(call), index));
  }
  At(dice_.Between(100 * kMilli, 6 * kSecond), What::kRevive, index);
  At(dice_.Between(5 * kSecond, 40 * kSecond), What::kDie, index);
}

void EngineSimulation::Heard(size_t index, const Answer& answer) {
  SentCall& sent = calls_[index];
  if (!sent.wanted) return;
  if (sent.worker && workers_[*sent.worker].life != sent.life) return;
  if (answer.code == StatusCode::kUnavailable) return;  // asked again after a while
  // A replica that does not know the type yet, or a run that is not there yet.
  if (answer.code == StatusCode::kInvalidArgument || (answer.code == StatusCode::kNotFound && sent.call.kind == Call::Kind::kStart)) return;
  sent.wanted = false;
  if (sent.call.kind == Call::Kind::kStart) --starts_open_;
  if (!sent.worker) return;
  Worker& worker = workers_[*sent.worker];
  for (const auto& token : answer.cancels) {
    const auto held = worker.held.find(token);
    if (held == worker.held.end() || std::exchange(held->second.cancel_requested, true)) continue;
    work_.push_back(token);
    At(dice_.Below(200 * kMilli), What::kWorked, *sent.worker, work_.size() - 1);
  }
  for (const auto& token : answer.releases) {
    const auto held = worker.held.find(token);
    if (held == worker.held.end() || std::exchange(held->second.release_requested, true)) continue;
    work_.push_back(token);
    At(dice_.Below(200 * kMilli), What::kWorked, *sent.worker, work_.size() - 1);
  }
  for (const auto& token : answer.stale) worker.held.erase(token);
  const bool goes_on = sent.call.more && answer.code == StatusCode::kOk;
  if ((sent.call.kind == Call::Kind::kComplete && !goes_on) || sent.call.kind == Call::Kind::kFail ||
      sent.call.kind == Call::Kind::kRelease) {
    worker.held.erase(sent.call.token().Encode());
  }
  if (sent.call.kind == Call::Kind::kHeartbeat && answer.code == StatusCode::kAborted) worker.held.erase(sent.call.token().Encode());
  if (sent.call.kind != Call::Kind::kClaim && sent.call.kind != Call::Kind::kSecond) return;
  worker.claiming = false;
  for (const auto& task : answer.tasks) {
    const std::string token = TaskToken::Of(task).Encode();
    worker.held.emplace(token, task);
    work_.push_back(token);
    At(dice_.Between(10 * kMilli, dice_.Percent(15) ? 9 * kSecond : kSecond), What::kWorked, *sent.worker, work_.size() - 1);
  }
}

}  // namespace vora::workflow::simulation
