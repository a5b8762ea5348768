#include "libs/workflow/core/testing/simulated_replica.h"

#include <cstdlib>

#include "libs/workflow/core/run_ops.h"

namespace vora::workflow::simulation {
namespace {

using CallKind = Call::Kind;

Status FailBy(RunUnit& unit, const Call& call) {
  return FailTask(unit, call.token(), MakeFailure(call.text, "failed by the simulation"), call.canceled).status();
}

// What has no answer of its own.
void ApplyFound(RunUnit& unit, const Call& call) {
  switch (call.kind) {
    case CallKind::kLose:
      return LoseTask(unit, call.token(), "the worker went silent");
    case CallKind::kReturn:
      return ReturnTask(unit, call.token());
    case CallKind::kExpire:
      return ExpireTask(unit, call.event_id, true);
    case CallKind::kFireTimer:
      return FireTimer(unit, call.event_id);
    case CallKind::kTimeOut:
      return TimeOutRun(unit);
    case CallKind::kTryAgain:
      return unit.TryAgain();
    case CallKind::kCancel:
      return CancelRun(unit, "canceled by the simulation");
    case CallKind::kTerminate:
      return TerminateRun(unit, "terminated by the simulation");
    default:
      std::abort();
  }
}

Status ApplyTo(RunUnit& unit, const Call& call, bool takes_stale, std::vector<TaskRow>& tasks) {
  TaskToken token = call.token();
  if (takes_stale && call.kind == CallKind::kComplete) {
    const TaskRow* task = unit.FindTask(token.event_id);
    if (task && task->started) token.lease = task->lease;
  }
  switch (call.kind) {
    case CallKind::kSecond: {
      auto begun = BeginSecondAttempt(unit, token, call.text, call.second_lease);
      if (!begun.ok()) return begun.status();
      tasks.push_back(*std::move(begun));
      return {};
    }
    case CallKind::kSignal:
      return SignalRun(unit, call.text, "{}", call.request_id);
    case CallKind::kComplete:
      return call.items.empty() ? CompleteTask(unit, token, call.text) : CompleteItems(unit, token, call.items, "", call.more);
    case CallKind::kFail:
      return FailBy(unit, call);
    case CallKind::kRelease:
      return ReleaseTask(unit, token, "checkpoint");
    case CallKind::kPause:
      return PauseRun(unit, "the simulation", "");
    case CallKind::kUnpause:
      return UnpauseRun(unit);
    case CallKind::kRetryNow: {
      const Status retried = RetryActivitiesNow(unit, {}).status();
      if (retried.ok() && unit.run().parked()) unit.TryAgain();
      return retried;
    }
    default:
      ApplyFound(unit, call);
      return {};
  }
}

const char* CallName(CallKind kind) {
  static constexpr const char* kNames[] = {"start",    "signal",    "cancel",  "terminate", "pause",     "unpause", "retry now",
                                           "complete", "fail",      "release", "lose",      "return",    "expire",  "timer",
                                           "time out", "try again", "second",  "claim",     "heartbeat", "renew",   "leave"};
  return kNames[static_cast<int>(kind)];
}

// What PlantedFault::kTearsRollback leaves of a transaction.
void LeaveParts(const SimulatedStore& store, Changes& changes) {
  changes.new_runs.clear();
  changes.runs.clear();
  std::erase_if(changes.events, [&](const auto& event) { return !store.Find(event.first); });
  std::erase_if(changes.new_tasks, [&](const auto& task) { return !store.Find(task.run_id); });
  std::erase_if(changes.timers, [&](const auto& timer) { return !store.Find(timer.run_id); });
  std::erase_if(changes.inbox, [&](const auto& row) { return !store.Find(row.first); });
}

}  // namespace

std::string Describe(const Call& call) {
  std::string text = CallName(call.kind);
  for (const std::string* part : {&call.workflow_id, &call.run_id, &call.text, &call.request_id}) {
    if (!part->empty()) text += " " + *part;
  }
  for (const auto& [name, outcome] : call.items) {
    text += " " + name + (outcome.has_result() ? "=done" : outcome.released() ? "~" : "!" + outcome.failure().code());
  }
  if (call.more) text += " and more";
  if (call.event_id != 0) text += " event " + std::to_string(call.event_id);
  if (call.lease != 0) text += " lease " + std::to_string(call.lease);
  return text;
}

// What one transaction makes of its calls.
class SimulatedReplica::Batch {
 public:
  Batch(SimulatedStore& store, SimulatedReplica& replica) : store_(store), replica_(replica) {}

  std::vector<Answer> Apply(const std::vector<Call>& calls, const std::function<std::string()>& new_run) {
    std::vector<Answer> answers(calls.size());
    for (size_t i = 0; i < calls.size(); ++i) {
      if (calls[i].kind == CallKind::kStart) answers[i] = Start(calls[i], new_run);
    }
    for (size_t i = 0; i < calls.size(); ++i) {
      if (calls[i].kind != CallKind::kStart) answers[i] = Run(calls[i]);
    }
    return answers;
  }

  Changes Finish() {
    Changes changes;
    for (auto& [id, unit] : units_) unit.Finish(changes);
    return changes;
  }

  std::map<std::string, RunUnit>& units() { return units_; }

 private:
  RunUnit& MakeUnit(const RunRow& run, bool fresh) {
    return units_
        .emplace(std::piecewise_construct, std::forward_as_tuple(run.run_id), std::forward_as_tuple(replica_.context_, store_, run, fresh))
        .first->second;
  }

  Answer Start(const Call& call, const std::function<std::string()>& new_run) {
    if (!replica_.Knows(call.text)) return Answer(StatusCode::kInvalidArgument);
    const auto made = made_.find(call.workflow_id);
    const RunRow* newest = made == made_.end() ? store_.Newest(call.workflow_id) : &made->second;
    const RunRow* same = newest && newest->request_id == call.request_id ? newest : store_.ByRequest(call.workflow_id, call.request_id);
    const RunRow* existing = same ? same : newest && newest->running() ? newest : nullptr;
    if (existing) return Answer(StatusCode::kOk, existing->run_id);
    RunRow run;
    run.run_id = new_run();
    run.workflow_id = call.workflow_id;
    run.tenant = "t";
    run.type = call.text;
    run.request_id = call.request_id;
    run.start_time_us = run.now_us = store_.now_us;
    if (call.timeout_us > 0) run.execution_deadline_us = run.now_us + call.timeout_us;
    made_[run.workflow_id] = run;
    MakeUnit(run, true).Accept({0, v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, 0, {{"workflow_type", run.type}, {"input", ""}}});
    return Answer(StatusCode::kOk, run.run_id);
  }

  Answer Run(const Call& call) {
    const RunRow* newest = call.run_id.empty() ? store_.Newest(call.workflow_id) : nullptr;
    const std::string id = newest ? newest->run_id : call.run_id;
    auto unit = units_.find(id);
    if (unit == units_.end()) {
      const RunRow* row = store_.Lock(id);
      if (!row) return Answer(StatusCode::kNotFound);
      MakeUnit(*row, false);
      unit = units_.find(id);
    }
    Answer answer(StatusCode::kOk, id);
    answer.code = ApplyTo(unit->second, call, replica_.fault_ == PlantedFault::kTakesStaleReports, answer.tasks).code();
    return answer;
  }

  SimulatedStore& store_;
  SimulatedReplica& replica_;
  std::map<std::string, RunUnit> units_;
  std::map<std::string, RunRow> made_;  // by workflow_id
};

SimulatedReplica::SimulatedReplica(std::string build_id, Registry registry, size_t cache_bytes, PlantedFault fault)
    : build_id_(std::move(build_id)),
      registry_(std::move(registry)),
      cache_(cache_bytes),
      context_{registry_, cache_, build_id_},
      fault_(fault) {}

void SimulatedReplica::PutLate() {
  for (auto& [id, replayer] : late_) cache_.Put(id, std::move(replayer));
  late_.clear();
}

std::vector<Answer> SimulatedReplica::Transact(SimulatedStore& store, Watcher& watcher, const std::vector<Call>& calls, Fate fate,
                                               const std::function<std::string()>& new_run) {
  if (fate == Fate::kRunAgain) {
    Batch first(store, *this);
    (void)first.Apply(calls, new_run);
  }
  Batch batch(store, *this);
  auto answers = batch.Apply(calls, new_run);
  Changes changes = batch.Finish();
  for (auto& answer : answers) {
    const auto unit = batch.units().find(answer.run_id);
    if (unit == batch.units().end() || !unit->second.effects().closed) continue;
    const std::string& status = unit->second.run().status;
    answer.moot = status == "TERMINATED" || status == "TIMED_OUT" || unit->second.effects().unparked;
  }
  const bool rolled_back = fate == Fate::kRolledBack, torn = rolled_back && fault_ == PlantedFault::kTearsRollback;
  if (torn) LeaveParts(store, changes);
  if (!rolled_back || torn) {
    watcher.Before(changes);
    const std::string violated = store.Apply(changes);
    watcher.After(changes, violated);
  }
  const bool heard = fate != Fate::kInDoubt && (!rolled_back || fault_ == PlantedFault::kAnswersBeforeCommit);
  for (size_t i = 0; i < calls.size(); ++i) {
    if (!heard) {
      answers[i] = Answer(StatusCode::kUnavailable);
    } else if (answers[i].code == StatusCode::kOk) {
      watcher.Acknowledged(calls[i], answers[i]);
    } else if (answers[i].code == StatusCode::kAborted) {
      watcher.Refused(calls[i], answers[i]);
    }
  }
  const bool keeps = fate != Fate::kInDoubt && (!rolled_back || fault_ == PlantedFault::kKeepsRolledBackReplayer);
  if (keeps) Keep(batch, fate == Fate::kCommittedLate);
  return answers;
}

void SimulatedReplica::Keep(Batch& batch, bool late) {
  for (auto& [id, unit] : batch.units()) {
    auto& replayer = unit.effects().replayer;
    if (!replayer) continue;
    if (late) {
      late_.emplace_back(id, std::move(replayer));
    } else {
      cache_.Put(id, std::move(replayer));
    }
  }
}

}  // namespace vora::workflow::simulation
