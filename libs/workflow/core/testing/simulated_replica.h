#pragma once

// One engine: a program with its code and cache that carries calls out in transactions, as engine/executor.cc does.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libs/workflow/core/testing/simulated_store.h"

namespace vora::workflow::simulation {

struct Call {
  enum class Kind {
    kStart,
    kSignal,
    kCancel,
    kTerminate,
    kPause,
    kUnpause,
    kRetryNow,
    kComplete,
    kFail,
    kRelease,
    // What the engine finds by itself.
    kLose,
    kReturn,
    kExpire,
    kFireTimer,
    kTimeOut,
    kTryAgain,
    kSecond,  // a worker begins a second attempt: text, its lease in `second_lease`
    // Statements of their own, without a unit.
    kClaim,
    kHeartbeat,
    kRenew,
    kLeave,
  };
  Kind kind = Kind::kStart;
  std::string workflow_id, run_id;  // without a run_id the newest run is meant
  int64_t event_id = 0, lease = 0, second_lease = 0;
  std::string text, request_id;                  // text: type of a run, name of a signal, result, code of a failure, worker
  int64_t timeout_us = 0;                        // of a run
  std::map<std::string, v1::ItemOutcome> items;  // of a group, in place of a result
  bool more = false;                             // the attempt goes on with the others
  bool canceled = false;
  int limit = 1;
  std::set<std::string> tokens;  // that a worker names
  TaskToken token() const { return {run_id, event_id, lease}; }
};

std::string Describe(const Call& call);

struct Answer {
  Answer() = default;
  explicit Answer(StatusCode c, std::string id = {}) : code(c), run_id(std::move(id)) {}
  StatusCode code = StatusCode::kOk;
  std::string run_id;
  std::vector<TaskRow> tasks;
  std::vector<std::string> cancels;   // tokens of attempts that should stop
  std::vector<std::string> releases;  // and of those that should be handed back
  std::set<std::string> stale;        // tokens that the worker named and does not have
  bool moot = false;                  // the run was closed by the same transaction, from outside or by what came before in its inbox
};

// What becomes of a transaction.
enum class Fate {
  kCommitted,
  kCommittedLate,  // the replayers are in the cache only later
  kRunAgain,       // the first try is rolled back
  kRolledBack,
  kInDoubt,  // committed, and nobody hears of it
};

// Told what happens to the store.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void Before(const Changes& changes) = 0;
  virtual void After(const Changes& changes, const std::string& violated) = 0;
  virtual void Acknowledged(const Call& call, const Answer& answer) = 0;
  // As stale.
  virtual void Refused(const Call& call, const Answer& answer) = 0;
};

class SimulatedReplica {
 public:
  SimulatedReplica(std::string build_id, Registry registry, size_t cache_bytes, PlantedFault fault);

  const std::string& build_id() const { return build_id_; }
  bool Knows(const std::string& type) const { return registry_.Find(type) != nullptr; }
  // The calls of one transaction, and their answers. `new_run` names the runs that it makes.
  std::vector<Answer> Transact(SimulatedStore& store, Watcher& watcher, const std::vector<Call>& calls, Fate fate,
                               const std::function<std::string()>& new_run);
  // The replayers of kCommittedLate.
  void PutLate();

 private:
  class Batch;
  void Keep(Batch& batch, bool late);
  const std::string build_id_;
  const Registry registry_;
  ReplayCache cache_;
  UnitContext context_;
  const PlantedFault fault_;
  std::vector<std::pair<std::string, std::unique_ptr<Replayer>>> late_;
};

}  // namespace vora::workflow::simulation
