#pragma once

// What must hold after each transaction, and at the end.

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "libs/workflow/core/testing/random_script.h"
#include "libs/workflow/core/testing/simulated_replica.h"

namespace vora::workflow::simulation {

constexpr char kRightBuild[] = "right";

class SimulationRules : public Watcher {
 public:
  SimulationRules(const SimulatedStore& store, std::vector<std::shared_ptr<const ScriptPlan>> scripts);

  void Before(const Changes& changes) override;
  void After(const Changes& changes, const std::string& violated) override;
  void Acknowledged(const Call& call, const Answer& answer) override;
  void Refused(const Call& call, const Answer& answer) override;
  // This attempt may be given back: a failure that comes after that is moot.
  void GivenBack(const TaskToken& token) { given_back_.insert(token.Encode()); }
  // A second attempt is asked for.
  void SideBySide(int64_t first, int64_t second) { side_by_side_.insert({{first, second}, {second, first}}); }
  // All runs have ended as their scripts say.
  void CheckEnd();
  const ScriptPlan& ScriptOf(const RunRow& run) const { return *scripts_.at(static_cast<size_t>(std::stoi(run.type.substr(6)))); }

  // The first rule that was broken, or nothing.
  const std::string& broken() const { return broken_; }
  // Runs whose end was compared with what their script says.
  int compared() const { return compared_; }
  // Activities that were ended by a second attempt.
  int won() const { return won_; }

 private:
  // What history and inbox say is there.
  struct Derived {
    std::set<int64_t> activities, timers;
    std::set<int64_t> cancels;                       // activities that were asked to stop
    std::map<int64_t, const Event*> ends;            // of activities
    std::map<int64_t, std::string> names;            // of activities
    std::map<int64_t, std::set<std::string>> items;  // of groups: those that have not ended
    std::map<int64_t, std::map<std::string, std::pair<const Event*, const nlohmann::json*>>> item_ends;
    std::map<std::string, int> signals;  // by request
    int run_cancels = 0;
  };
  struct Limits {
    int attempts = 0, losses = 10;
    bool hurried = false;  // a deadline over all attempts may end it before
    int more = 0;          // that may have begun beside the last one
  };
  void Break(const StoredRun& run, const std::string& what);
  void CheckLeases(const StoredRun& run, const std::vector<const Event*>& inputs);
  void CheckOrder(const StoredRun& run, const Changes& changes, const std::vector<const Event*>& inputs);
  void CheckRun(const StoredRun& run);
  Derived Derive(const StoredRun& run);
  void Take(const StoredRun& run, const Event& event, Derived& derived);
  void CheckClosed(const StoredRun& run);
  void TakeItems(const StoredRun& run, const Event& event, Derived& derived);
  void CheckOpen(const StoredRun& run, const Derived& derived);
  void CheckPause(const StoredRun& run);
  void CheckSeconds(const StoredRun& run);
  struct Attempts {
    int failed = 0, lost = 0;
  };
  void CheckAttempts(const StoredRun& run, const Derived& derived);
  static const nlohmann::json* EndOf(const Derived& derived, int64_t activity, const std::string& shown_as);
  void CheckLast(const StoredRun& run, const nlohmann::json& end, const Attempts& made, const Limits& limits);
  void CheckPromises(const StoredRun& run, const Derived& derived);
  bool KeptItem(const StoredRun& run, const Derived& derived, const Call& call, const v1::ItemOutcome& outcome) const;
  static ActivityEnd EndOfItems(const Derived& derived, int64_t activity);
  void CheckReplays(const StoredRun& run);
  void CheckResult(const StoredRun& run);

  const SimulatedStore& store_;
  const std::vector<std::shared_ptr<const ScriptPlan>> scripts_;
  const Registry right_;
  const Limits usual_;
  std::map<std::string, Limits> limits_;  // by type and name of the activity
  std::map<std::string, std::vector<Call>> promises_;
  std::set<std::string> given_back_;
  std::map<std::string, int> commits_;
  std::map<std::pair<std::string, int64_t>, std::set<int64_t>> pairs_;  // leases of two attempts, by run and activity
  std::set<std::pair<int64_t, int64_t>> side_by_side_;                  // leases that may be such a pair
  std::string broken_;
  int compared_ = 0, won_ = 0;
};

}  // namespace vora::workflow::simulation
