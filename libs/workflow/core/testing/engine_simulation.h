#pragma once

// Engine replicas over one store, workers and clients, and a network between them that loses, doubles and reorders. Virtual time; the
// same seed gives the same run to the last byte. First everything goes wrong for a while, then nothing does, and all must end well.

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <vector>

#include "libs/workflow/core/testing/simulation_rules.h"

namespace vora::workflow::simulation {

inline constexpr int64_t kMilli = 1000, kSecond = 1'000'000;  // microseconds

struct SimulationOptions {
  uint64_t seed = 1;
  PlantedFault fault = PlantedFault::kNone;
  bool whole_trace = false;  // not only the end of it
};

// How much of what can go wrong has.
struct SimulationCounts {
  int64_t steps = 0, runs = 0, transactions = 0;
  int64_t shared = 0;  // transactions of more than one call
  int64_t rolled_back = 0, in_doubt = 0, lost = 0, doubled = 0, crashes = 0, deaths = 0;
  int64_t tried_again = 0;  // parked runs
  int64_t paused = 0;       // runs
  int64_t handed_back = 0;  // attempts of paused runs
  int64_t seconds = 0;      // attempts begun beside a first one
  int64_t won = 0;          // of those, that ended their activity
  int64_t stale = 0;        // reports
  int64_t compared = 0;     // runs whose end is what their script says
  void Add(const SimulationCounts& other);
  std::string Text() const;
};

struct SimulationReport {
  std::string broken;             // the first rule that was broken, or nothing
  std::deque<std::string> trace;  // what happened, the last 50 steps
  SimulationCounts counts;
  std::string Text() const;  // for people
};

class EngineSimulation {
 public:
  explicit EngineSimulation(const SimulationOptions& options);
  SimulationReport Run();

 private:
  enum class What {
    kDeliver,
    kFlush,
    kAnswer,
    kRetry,
    kClient,
    kPoll,
    kWorked,
    kRenew,
    kDie,
    kRevive,
    kDue,
    kCrash,
    kReturn,
    kSignalAll,
  };
  // How bad things are, in percent.
  struct Weather {
    int64_t lost = 8, doubled = 8, late = 4, crowded = 20, wrong_code = 30;
  };
  struct Event {
    int64_t at_us, seq;
    What what;
    size_t subject;  // replica, call, worker
    size_t detail;   // call, answer, life
    bool operator>(const Event& other) const { return at_us != other.at_us ? at_us > other.at_us : seq > other.seq; }
  };
  struct SentCall {
    Call call;
    std::optional<size_t> worker;  // that sent it; clients otherwise
    int life = 0;                  // of that worker
    int tries = 0;
    bool wanted = false;  // its answer
  };
  struct Engine {
    std::unique_ptr<SimulatedReplica> replica;
    Wrong wrong;
    int life = 0;
    std::vector<size_t> waiting;
    bool flush_set = false;
  };
  struct Worker {
    std::string name;
    bool alive = true, leased = true;
    int life = 0;
    size_t slots = 1;
    std::map<std::string, TaskRow> held;  // by token
    std::set<std::string> ended;          // of those, and of earlier ones: no attempt is reported twice as different things
    std::map<std::string, std::map<std::string, v1::ItemOutcome>> done;  // items that it has told of early, by token
    bool claiming = false;
  };

  void At(int64_t in_us, What what, size_t subject, size_t detail = 0);
  void Handle(const Event& event);
  void Note(const std::string& line);
  bool Ended() const;
  void CalmDown();
  int64_t Latency();

  // Clients and workers.
  size_t Make(Call call, std::optional<size_t> worker);
  void Send(size_t call);
  void Retry(size_t call);
  void Plan();
  void SendSignals();
  void Poll(size_t worker);
  void Worked(size_t worker, size_t work);
  void EndItems(Worker& worker, const TaskRow& task, Call& call);
  void Renew(size_t worker);
  void Die(size_t worker);
  void Heard(size_t call, const Answer& answer);

  // Replicas: engine_simulation_replicas.cc.
  void StartReplica(size_t replica, bool right);
  void StopReplica(size_t replica);
  void Crash(size_t replica);
  void Deliver(size_t replica, size_t call);
  void Flush(size_t replica);
  void Transact(size_t replica, const std::vector<size_t>& calls);
  Fate DrawFate();
  void Direct(size_t replica, size_t call);
  Answer Execute(size_t replica, const Call& call);
  void AnswerCall(size_t call, Answer answer);
  void LookForDue(size_t replica);
  void Enqueue(size_t replica, Call call);

  const SimulationOptions options_;
  Dice dice_;
  std::vector<std::shared_ptr<const ScriptPlan>> scripts_;
  SimulatedStore store_;
  SimulationRules rules_;
  SimulationReport report_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  int64_t events_made_ = 0;
  std::vector<Engine> engines_;
  std::vector<Worker> workers_;
  std::deque<SentCall> calls_;
  std::deque<Answer> answers_;
  std::deque<std::string> work_;  // tokens of tasks that are worked on
  int runs_made_ = 0, requests_made_ = 0;
  size_t starts_open_ = 0;
  bool calm_ = false;
  Weather weather_;
};

SimulationReport Simulate(const SimulationOptions& options);

}  // namespace vora::workflow::simulation
