#include <algorithm>

#include "libs/workflow/core/testing/engine_simulation.h"

namespace vora::workflow::simulation {
namespace {

// So that a cache holds a few runs, or none.
constexpr size_t kCachedRunBytes = 30'000;
constexpr int64_t kWorkerLease = 2'200'000, kOnItsWay = 3'000'000;

bool IsDirect(Call::Kind kind) {
  return kind == Call::Kind::kClaim || kind == Call::Kind::kHeartbeat || kind == Call::Kind::kRenew || kind == Call::Kind::kLeave;
}

const char* FateName(Fate fate) {
  static constexpr const char* kNames[] = {"commits", "commits", "commits at the second try", "rolls back", "commits in doubt"};
  return kNames[static_cast<int>(fate)];
}

Call OfTask(Call::Kind kind, const TaskToken& token) {
  Call call;
  call.kind = kind;
  call.run_id = token.run_id;
  call.event_id = token.event_id;
  call.lease = token.lease;
  return call;
}

}  // namespace

void EngineSimulation::StartReplica(size_t index, bool right) {
  Engine& engine = engines_[index];
  engine.wrong = {};
  std::string build = kRightBuild;
  if (!right) {
    const int64_t lot = dice_.Below(10);
    engine.wrong.kind = lot < 5 ? Wrong::Kind::kThrows : lot < 9 ? Wrong::Kind::kCommand : Wrong::Kind::kUnknown;
    engine.wrong.at = static_cast<int>(dice_.Between(1, 5));
    build = "wrong" + std::to_string(static_cast<int>(engine.wrong.kind)) + "-" + std::to_string(engine.wrong.at);
  }
  ++engine.life;
  engine.replica = std::make_unique<SimulatedReplica>(build, ScriptRegistry(scripts_, engine.wrong),
                                                      static_cast<size_t>(dice_.Below(4)) * kCachedRunBytes, options_.fault);
  Note("replica " + std::to_string(index) + " starts, " + build);
  const size_t life = static_cast<size_t>(engine.life);
  At(dice_.Below(500 * kMilli), What::kDue, index, life);
  // Wrong code is replaced before long.
  if (!calm_) At(dice_.Between(500 * kMilli, right ? 30 * kSecond : 6 * kSecond), What::kCrash, index, life);
}

void EngineSimulation::StopReplica(size_t index) { engines_[index] = {nullptr, {}, engines_[index].life + 1, {}, false}; }

void EngineSimulation::Crash(size_t index) {
  if (calm_) return;
  Note("replica " + std::to_string(index) + " crashes");
  ++report_.counts.crashes;
  StopReplica(index);
  At(dice_.Between(10 * kMilli, 3 * kSecond), What::kReturn, index);
}

void EngineSimulation::Deliver(size_t index, size_t call) {
  Engine& engine = engines_[index];
  if (!engine.replica) return;
  engine.waiting.push_back(call);
  if (std::exchange(engine.flush_set, true)) return;
  At(dice_.Below(dice_.Percent(weather_.crowded) ? kSecond : 20 * kMilli), What::kFlush, index, static_cast<size_t>(engine.life));
}

// What has come together shares a transaction, as far as it goes through units.
void EngineSimulation::Flush(size_t index) {
  Engine& engine = engines_[index];
  engine.flush_set = false;
  const auto waiting = std::exchange(engine.waiting, {});
  std::vector<size_t> shared;
  for (const size_t call : waiting) {
    if (!IsDirect(calls_[call].call.kind)) shared.push_back(call);
  }
  if (!shared.empty()) Transact(index, shared);
  for (const size_t call : waiting) {
    if (IsDirect(calls_[call].call.kind)) Direct(index, call);
  }
}

Fate EngineSimulation::DrawFate() {
  const int64_t lot = dice_.Below(100);
  if (calm_ || lot < 70) return Fate::kCommitted;
  return lot < 80 ? Fate::kCommittedLate : lot < 86 ? Fate::kRunAgain : lot < 93 ? Fate::kRolledBack : Fate::kInDoubt;
}

void EngineSimulation::Transact(size_t index, const std::vector<size_t>& waiting) {
  const Fate fate = DrawFate();
  std::vector<Call> calls;
  std::string line = "replica " + std::to_string(index) + " " + FateName(fate) + ":";
  for (const size_t call : waiting) {
    calls.push_back(calls_[call].call);
    line += " [" + Describe(calls.back()) + "]";
  }
  Engine& engine = engines_[index];
  if (dice_.Percent(50)) engine.replica->PutLate();
  const auto answers = engine.replica->Transact(store_, rules_, calls, fate, [&] { return "r" + std::to_string(++runs_made_); });
  line += " ->";
  for (const auto& answer : answers) line += " " + CodeName(answer.code) + (answer.run_id.empty() ? "" : " " + answer.run_id) + ",";
  line.pop_back();
  Note(line);
  ++report_.counts.transactions;
  report_.counts.shared += calls.size() > 1 ? 1 : 0;
  report_.counts.rolled_back += fate == Fate::kRolledBack ? 1 : 0;
  report_.counts.in_doubt += fate == Fate::kInDoubt ? 1 : 0;
  for (size_t i = 0; i < waiting.size(); ++i) {
    report_.counts.paused += calls[i].kind == Call::Kind::kPause && answers[i].code == StatusCode::kOk ? 1 : 0;
    report_.counts.seconds += calls[i].kind == Call::Kind::kSecond && answers[i].code == StatusCode::kOk ? 1 : 0;
    AnswerCall(waiting[i], answers[i]);
  }
}

void EngineSimulation::Direct(size_t index, size_t call) {
  Answer answer;
  const Fate fate = DrawFate();
  if (fate != Fate::kRolledBack) answer = Execute(index, calls_[call].call);
  if (fate == Fate::kRolledBack || fate == Fate::kInDoubt) answer = Answer(StatusCode::kUnavailable);
  std::string line = "replica " + std::to_string(index) + " " + FateName(fate) + ": " + Describe(calls_[call].call) + " ->";
  for (const auto& task : answer.tasks) line += " " + TaskToken::Of(task).Encode();
  if (calls_[call].call.kind != Call::Kind::kHeartbeat) Note(line);
  AnswerCall(call, std::move(answer));
}

Answer EngineSimulation::Execute(size_t index, const Call& call) {
  Answer answer;
  if (call.kind == Call::Kind::kClaim) {
    // 52 bits, as those of the engine.
    answer.tasks = store_.Claim(call.text, call.limit, 1 + dice_.Below(int64_t{1} << 52));
  } else if (call.kind == Call::Kind::kHeartbeat) {
    if (!store_.Heartbeat(call.token())) answer.code = StatusCode::kAborted;
  } else if (call.kind == Call::Kind::kRenew) {
    answer.stale = call.tokens;
    for (const auto& held : store_.Renew(call.text, call.tokens, kWorkerLease)) {
      const std::string token = held.token.Encode();
      const bool known = !held.lapsed && call.tokens.contains(token);
      if (known) answer.stale.erase(token);
      if (known && held.cancel_requested) answer.cancels.push_back(token);
      if (known && held.release_requested) answer.releases.push_back(token);
      if (known || (!held.lapsed && held.held_us < kOnItsWay)) continue;
      Enqueue(index, OfTask(Call::Kind::kLose, held.token));
    }
  } else {
    for (const auto& held : store_.HeldBy(call.text)) {
      rules_.GivenBack(held.token);
      Enqueue(index, OfTask(Call::Kind::kReturn, held.token));
    }
  }
  return answer;
}

void EngineSimulation::AnswerCall(size_t call, Answer answer) {
  if (answer.code == StatusCode::kAborted) ++report_.counts.stale;
  if (!calls_[call].wanted) return;
  if (!calm_ && dice_.Percent(weather_.lost)) {
    ++report_.counts.lost;
    return;
  }
  answers_.push_back(std::move(answer));
  At(Latency(), What::kAnswer, call, answers_.size() - 1);
}

// Found now, carried out a little later: others may be quicker.
void EngineSimulation::Enqueue(size_t index, Call call) {
  SentCall sent;
  sent.call = std::move(call);
  calls_.push_back(std::move(sent));
  At(dice_.Percent(70) ? 0 : dice_.Below(400 * kMilli), What::kDeliver, index, calls_.size() - 1);
}

void EngineSimulation::LookForDue(size_t index) {
  Engine& engine = engines_[index];
  At(dice_.Between(100 * kMilli, kSecond), What::kDue, index, static_cast<size_t>(engine.life));
  const auto timers = store_.TakeDueTimers();
  // The take-up is in doubt: others look again after a while.
  if (calm_ || !dice_.Percent(5)) {
    for (const auto& key : timers) Enqueue(index, OfTask(Call::Kind::kFireTimer, {key.run_id, key.event_id, 0}));
  }
  store_.ReleaseDelayed();
  for (const auto& key : store_.OverdueTasks(true)) Enqueue(index, OfTask(Call::Kind::kExpire, {key.run_id, key.event_id, 0}));
  for (const auto& id : store_.OverdueRuns()) Enqueue(index, OfTask(Call::Kind::kTimeOut, {id, 0, 0}));
  for (const auto& id : store_.ParkedRuns(engine.replica->build_id())) {
    ++report_.counts.tried_again;
    Enqueue(index, OfTask(Call::Kind::kTryAgain, {id, 0, 0}));
  }
}

}  // namespace vora::workflow::simulation
