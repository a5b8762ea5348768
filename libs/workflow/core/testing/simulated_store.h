#pragma once

// The engine's tables in memory, with the statements of libs/workflow/store as functions. Transactions come one after the other: what
// the row locks of PostgreSQL make of those that touch the same run.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "libs/workflow/core/run_unit.h"
#include "libs/workflow/core/task_token.h"
#include "libs/workflow/core/testing/planted_fault.h"

namespace vora::workflow::simulation {

struct StoredTask {
  TaskRow row;
  int64_t seq = 0;
};

struct StoredTimer {
  TimerRow row;
  int64_t look_at_us = 0;
};

struct StoredRun {
  RunRow row;
  std::vector<Event> events;
  std::map<int64_t, StoredTask> tasks;
  std::map<int64_t, SecondAttempt> seconds;  // beside their tasks, which hold none here
  std::map<int64_t, StoredTimer> timers;
  std::vector<InboxRow> inbox, dropped;  // dropped: what was in the inbox when the run was closed
  std::vector<AttemptRow> attempts;
};

class SimulatedStore : public UnitLoader {
 public:
  explicit SimulatedStore(PlantedFault fault) : fault_(fault) {}

  int64_t now_us = 1'700'000'000'000'000;
  const std::map<std::string, StoredRun>& runs() const { return runs_; }
  const StoredRun* Find(const std::string& run_id) const;
  // With the clock in it; nullptr when there is none.
  const RunRow* Lock(const std::string& run_id);
  const RunRow* Newest(const std::string& workflow_id) const;
  const RunRow* ByRequest(const std::string& workflow_id, const std::string& request_id) const;

  // What violates a key of the tables, or nothing.
  std::string Apply(const Changes& changes);

  std::vector<TaskRow> Claim(const std::string& worker, int limit, int64_t lease);
  bool HasReady() const;
  // Tasks that this worker may begin a second attempt of.
  std::vector<TaskToken> RunningElsewhere(const std::string& worker) const;
  // The heartbeat of one task; false: stale.
  bool Heartbeat(const TaskToken& token);
  struct Held {
    TaskToken token;
    std::string worker;
    bool lapsed = false, cancel_requested = false, release_requested = false;
    int64_t held_us = 0;
  };
  // The worker's report of all that it holds: what the tables say that it holds, and what silent workers do.
  std::vector<Held> Renew(const std::string& worker, const std::set<std::string>& tokens, int64_t lease_us);
  std::vector<Held> HeldBy(const std::string& worker);

  std::vector<TaskKey> TakeDueTimers();
  void ReleaseDelayed();
  std::vector<TaskKey> OverdueTasks(bool expire_leases) const;
  std::vector<std::string> OverdueRuns() const;
  std::vector<std::string> ParkedRuns(const std::string& build_id) const;

  std::vector<TaskRow> LoadTasks(const std::string& run_id, const std::vector<int64_t>& scheduled_event_ids) override;
  std::vector<TaskRow> LoadOpenTasks(const std::string& run_id) override;
  std::vector<Event> LoadHistory(const std::string& run_id, int64_t after) override;
  std::vector<InboxRow> LoadInbox(const std::string& run_id) override;
  bool HasTimer(const TaskKey& timer) override;
  bool WasTaken(const TaskKey& task, int64_t lease) override;
  bool HasSignal(const std::string& run_id, const std::string& request_id) override;

 private:
  std::string Insert(const RunRow& row);
  std::string ApplyHistory(const Changes& changes);
  void ApplyRuns(const Changes& changes);
  void ApplyControls(const Changes& changes);
  void ApplyTasks(const Changes& changes);
  void ApplySeconds(const Changes& changes);
  void ApplyRest(const Changes& changes);

  const PlantedFault fault_;
  std::map<std::string, StoredRun> runs_;
  std::map<std::string, int64_t> worker_leases_;
  int64_t last_seq_ = 0;
};

// History or inbox in which `matches` holds.
template <typename Matches>
bool AnyInput(const StoredRun& run, Matches matches) {
  for (const auto& event : run.events) {
    if (matches(event)) return true;
  }
  for (const auto& row : run.inbox) {
    if (matches(row.event)) return true;
  }
  return false;
}

}  // namespace vora::workflow::simulation
