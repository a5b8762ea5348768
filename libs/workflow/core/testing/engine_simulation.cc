#include "libs/workflow/core/testing/engine_simulation.h"

#include <algorithm>

namespace vora::workflow::simulation {
namespace {

constexpr int64_t kBegin = 1'700'000'000'000'000;
constexpr size_t kTraceEnd = 50;
constexpr int kMaxTries = 6;
// Far more than any script takes that nothing disturbs.
constexpr int kMaxCalmSteps = 20'000;

constexpr std::pair<const char*, int64_t SimulationCounts::*> kCounts[] = {
    {"steps", &SimulationCounts::steps},
    {"runs", &SimulationCounts::runs},
    {"transactions", &SimulationCounts::transactions},
    {"shared", &SimulationCounts::shared},
    {"rolled back", &SimulationCounts::rolled_back},
    {"in doubt", &SimulationCounts::in_doubt},
    {"messages lost", &SimulationCounts::lost},
    {"doubled", &SimulationCounts::doubled},
    {"crashes", &SimulationCounts::crashes},
    {"deaths", &SimulationCounts::deaths},
    {"tries at parked runs", &SimulationCounts::tried_again},
    {"pauses", &SimulationCounts::paused},
    {"attempts handed back for a pause", &SimulationCounts::handed_back},
    {"second attempts", &SimulationCounts::seconds},
    {"second attempts that won", &SimulationCounts::won},
    {"stale reports", &SimulationCounts::stale},
    {"ends compared", &SimulationCounts::compared},
};

std::vector<std::shared_ptr<const ScriptPlan>> DrawScripts(Dice& dice) {
  std::vector<std::shared_ptr<const ScriptPlan>> scripts;
  const auto fixed = FixedScripts();
  const int64_t count = dice.Between(1, 2);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t lot = dice.Below(20);
    const bool is_fixed = lot < static_cast<int64_t>(fixed.size());
    scripts.push_back(std::make_shared<const ScriptPlan>(is_fixed ? fixed[static_cast<size_t>(lot)] : RandomScript(dice)));
  }
  return scripts;
}

}  // namespace

void SimulationCounts::Add(const SimulationCounts& other) {
  for (const auto& [name, count] : kCounts) this->*count += other.*count;
}

std::string SimulationCounts::Text() const {
  std::string text;
  for (const auto& [name, count] : kCounts) text += (text.empty() ? "" : ", ") + std::to_string(this->*count) + " " + name;
  return text;
}

std::string SimulationReport::Text() const {
  std::string text = broken + "\n";
  for (const auto& line : trace) text += "  " + line + "\n";
  return text;
}

EngineSimulation::EngineSimulation(const SimulationOptions& options)
    : options_(options), dice_(options.seed), scripts_(DrawScripts(dice_)), store_(options.fault), rules_(store_, scripts_) {}

void EngineSimulation::At(int64_t in_us, What what, size_t subject, size_t detail) {
  events_.push({store_.now_us + in_us, ++events_made_, what, subject, detail});
}

void EngineSimulation::Note(const std::string& line) {
  std::string time = std::to_string(store_.now_us - kBegin);
  if (time.size() < 9) time.insert(0, 9 - time.size(), ' ');
  report_.trace.push_back(time + " " + line);
  if (!options_.whole_trace && report_.trace.size() > kTraceEnd) report_.trace.pop_front();
}

int64_t EngineSimulation::Latency() {
  if (!calm_ && dice_.Percent(weather_.late)) return dice_.Between(kSecond, 6 * kSecond);
  return dice_.Between(kMilli, dice_.Percent(20) ? 300 * kMilli : 20 * kMilli);
}

SimulationReport EngineSimulation::Run() {
  weather_ = {dice_.Below(20), dice_.Below(20), dice_.Below(10), dice_.Below(80), dice_.Below(60)};
  engines_.resize(static_cast<size_t>(dice_.Between(1, 3)));
  for (size_t i = 0; i < engines_.size(); ++i) StartReplica(i, !dice_.Percent(weather_.wrong_code));
  workers_.resize(static_cast<size_t>(dice_.Between(1, 3)));
  for (size_t i = 0; i < workers_.size(); ++i) {
    workers_[i].name = "worker" + std::to_string(i);
    workers_[i].slots = static_cast<size_t>(dice_.Between(1, 3));
    workers_[i].leased = dice_.Percent(60);
    At(dice_.Below(kSecond), What::kPoll, i);
    At(dice_.Below(kSecond), What::kRenew, i);
    At(dice_.Between(kSecond, 40 * kSecond), What::kDie, i);
  }
  Plan();
  const int chaos = static_cast<int>(dice_.Between(30, 350));
  int calm_steps = 0;
  while (rules_.broken().empty() && !events_.empty() && !(calm_ && Ended())) {
    if (!calm_ && report_.counts.steps >= chaos) CalmDown();
    const Event event = events_.top();
    events_.pop();
    store_.now_us = event.at_us;
    ++report_.counts.steps;
    Handle(event);
    if (calm_ && ++calm_steps > kMaxCalmSteps) break;
  }
  if (rules_.broken().empty()) rules_.CheckEnd();
  report_.broken = rules_.broken();
  report_.counts.runs = runs_made_;
  report_.counts.compared = rules_.compared();
  report_.counts.won = rules_.won();
  return report_;
}

void EngineSimulation::Handle(const Event& event) {
  switch (event.what) {
    case What::kAnswer:
      return Heard(event.subject, answers_[event.detail]);
    case What::kRetry:
      return Retry(event.subject);
    case What::kClient:
      return Send(event.subject);
    case What::kSignalAll:
      return SendSignals();
    case What::kPoll:
      return Poll(event.subject);
    case What::kWorked:
      return Worked(event.subject, event.detail);
    case What::kRenew:
      return Renew(event.subject);
    case What::kDie:
      return Die(event.subject);
    case What::kRevive:
      workers_[event.subject].alive = true;
      return;
    case What::kDeliver:
      return Deliver(event.subject, event.detail);
    case What::kReturn:
      if (!engines_[event.subject].replica) StartReplica(event.subject, !dice_.Percent(weather_.wrong_code));
      return;
    default:
      break;
  }
  // What a replica does of its own accord ends with it.
  if (static_cast<size_t>(engines_[event.subject].life) != event.detail || !engines_[event.subject].replica) return;
  if (event.what == What::kFlush) return Flush(event.subject);
  if (event.what == What::kDue) return LookForDue(event.subject);
  Crash(event.subject);
}

bool EngineSimulation::Ended() const {
  return starts_open_ == 0 &&
         std::none_of(store_.runs().begin(), store_.runs().end(), [](const auto& run) { return run.second.row.running(); });
}

// From here on nothing fails, and what must end gets the time to.
void EngineSimulation::CalmDown() {
  calm_ = true;
  Note("calm");
  for (size_t i = 0; i < engines_.size(); ++i) {
    if (engines_[i].replica && engines_[i].wrong.kind == Wrong::Kind::kNot) continue;
    StopReplica(i);
    StartReplica(i, true);
  }
  for (auto& worker : workers_) worker.alive = true;
  At(0, What::kSignalAll, 0);
}

size_t EngineSimulation::Make(Call call, std::optional<size_t> worker) {
  SentCall sent;
  sent.call = std::move(call);
  sent.worker = worker;
  if (worker) sent.life = workers_[*worker].life;
  sent.wanted = true;
  calls_.push_back(std::move(sent));
  return calls_.size() - 1;
}

void EngineSimulation::Send(size_t index) {
  SentCall& sent = calls_[index];
  ++sent.tries;
  const int copies = calm_ ? 1 : dice_.Percent(weather_.lost) ? 0 : dice_.Percent(weather_.doubled) ? 2 : 1;
  report_.counts.lost += copies == 0 ? 1 : 0;
  report_.counts.doubled += copies == 2 ? 1 : 0;
  for (int i = 0; i < copies; ++i)
    At(Latency(), What::kDeliver, static_cast<size_t>(dice_.Below(static_cast<int64_t>(engines_.size()))), index);
  At(dice_.Between(400 * kMilli, 2 * kSecond), What::kRetry, index);
}

void EngineSimulation::Retry(size_t index) {
  SentCall& sent = calls_[index];
  if (!sent.wanted) return;
  if (sent.worker && workers_[*sent.worker].life != sent.life) return;
  const auto kind = sent.call.kind;
  const bool claims = kind == Call::Kind::kClaim || kind == Call::Kind::kSecond;
  const bool once = claims || kind == Call::Kind::kRenew || kind == Call::Kind::kHeartbeat;
  if (once || (sent.tries >= kMaxTries && sent.call.kind != Call::Kind::kStart)) {
    sent.wanted = false;
    if (claims) workers_[*sent.worker].claiming = false;
    if (sent.worker && !once) workers_[*sent.worker].held.erase(sent.call.token().Encode());
    return;
  }
  Send(index);
}

// What clients will do while things go wrong.
void EngineSimulation::Plan() {
  const int64_t workflows = dice_.Between(1, 3);
  for (int64_t w = 0; w < workflows; ++w) {
    const std::string workflow = "w" + std::to_string(w);
    const size_t script = static_cast<size_t>(dice_.Below(static_cast<int64_t>(scripts_.size())));
    const auto plan = [&](Call::Kind kind, const std::string& text, int64_t before_us, int64_t timeout_us = 0) {
      Call call;
      call.kind = kind;
      call.workflow_id = workflow;
      call.text = text;
      call.request_id = "q" + std::to_string(++requests_made_);
      call.timeout_us = timeout_us;
      const size_t index = Make(std::move(call), std::nullopt);
      starts_open_ += kind == Call::Kind::kStart ? 1 : 0;
      At(dice_.Below(before_us), What::kClient, index);
      // A client that asks again though it was answered.
      if (dice_.Percent(10)) At(dice_.Below(before_us + kSecond), What::kClient, index);
    };
    const int64_t starts = dice_.Percent(80) ? 1 : 2;
    for (int64_t i = 0; i < starts; ++i) {
      plan(Call::Kind::kStart, TypeOf(script), i == 0 ? 100 * kMilli : 10 * kSecond,
           dice_.Percent(10) ? dice_.Between(kSecond, 30 * kSecond) : 0);
    }
    for (const auto& name : scripts_[script]->signals) {
      if (dice_.Percent(70)) plan(Call::Kind::kSignal, name, 5 * kSecond);
    }
    if (dice_.Percent(20)) plan(Call::Kind::kSignal, "unknown", 5 * kSecond);
    if (dice_.Percent(20)) plan(Call::Kind::kCancel, "", 8 * kSecond);
    if (dice_.Percent(8)) plan(Call::Kind::kCancel, "", 8 * kSecond);
    if (dice_.Percent(6)) plan(Call::Kind::kTerminate, "", 10 * kSecond);
    for (int64_t pauses = dice_.Percent(30) ? dice_.Between(1, 3) : 0; pauses > 0; --pauses) {
      plan(Call::Kind::kPause, "", 8 * kSecond);
      if (dice_.Percent(70)) plan(Call::Kind::kUnpause, "", 12 * kSecond);
    }
    if (dice_.Percent(20)) plan(Call::Kind::kRetryNow, "", 10 * kSecond);
  }
}

// So that no run waits for a signal, or in a pause, for ever.
void EngineSimulation::SendSignals() {
  for (const auto& [id, run] : store_.runs()) {
    if (!run.row.running()) continue;
    if (run.row.paused()) {
      Call call;
      call.kind = Call::Kind::kUnpause;
      call.workflow_id = run.row.workflow_id;
      call.run_id = id;
      Send(Make(std::move(call), std::nullopt));
    }
    for (const auto& name : rules_.ScriptOf(run.row).signals) {
      Call call;
      call.kind = Call::Kind::kSignal;
      call.workflow_id = run.row.workflow_id;
      call.run_id = id;
      call.text = name;
      call.request_id = "q" + std::to_string(++requests_made_);
      Send(Make(std::move(call), std::nullopt));
    }
  }
  At(2 * kSecond, What::kSignalAll, 0);
}

SimulationReport Simulate(const SimulationOptions& options) { return EngineSimulation(options).Run(); }

}  // namespace vora::workflow::simulation
