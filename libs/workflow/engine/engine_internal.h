#pragma once

// The engine's inside, shared by its engine_*.cc files.

#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "libs/pg/database.h"
#include "libs/workflow/definition/replay_cache.h"
#include "libs/workflow/engine/engine.h"
#include "libs/workflow/engine/transition_internal.h"
#include "libs/workflow/store/engine_repo_internal.h"

namespace vora::workflow {

struct TaskToken {
  std::string run_id;
  int64_t event_id = 0;
  int64_t lease = 0;
  std::string Encode() const;
  // INVALID_ARGUMENT when it is not one of ours.
  static StatusOr<TaskToken> Decode(const std::string& token);
  repo::TaskKey key() const { return {run_id, event_id}; }
};

// ABORTED: another attempt has the task, or it has ended.
Status StaleToken(const TaskToken& token);

// The attributes every end of an activity carries, so that a timeline can be drawn from history.
nlohmann::json EndAttributes(const repo::TaskRow& task);

struct Engine::Impl {
  pg::Database& db;
  const Registry& registry;
  WakeSink& wake;
  obs::Metrics& metrics;
  ReplayCache cache;
  obs::Counter& transitions;
  obs::Counter& parked_transitions;
  std::mutex queues_mutex;
  std::set<std::string> known_queues;

  Impl(pg::Database& d, const Registry& r, WakeSink& w, obs::Metrics& m, const EngineOptions& options);

  // Decides inside the transaction, with the run locked: an input event to apply, nothing (commit what was done), or an error (roll back).
  using Decide = std::function<StatusOr<std::optional<Event>>(pqxx::work& tx, repo::RunRow& run, Effects& effects)>;
  // Locks the run, decides, applies the transition, commits, wakes. NOT_FOUND without such a run.
  Status Transact(const std::string& run_id, const Decide& decide);
  // The same where the run is found or made by `find`.
  Status TransactOn(const std::function<StatusOr<std::optional<repo::RunRow>>(pqxx::work& tx)>& find, const Decide& decide);
  StatusOr<std::string> ResolveRun(const std::string& workflow_id, const std::string& run_id);
  Status Write(
      const std::function<Status(pqxx::work&)>& body);  // db.Transact; lost races are UNAVAILABLE, since ABORTED means a stale token
  template <typename Body>
  auto Read(Body body) {
    return db.Read(std::move(body));
  }
  // What metrics.h has, counted after the commit.
  void CountAttempt(const std::string& type, const char* result);
  void NoteCompleted(const std::string& type, int64_t took_us);
  void NoteClaimed(const std::string& type, int64_t waited_us);
  void NoteClosed(const repo::RunRow& run);

  // Ends or repeats an attempt that failed with `failure`. `event` is the type of the end (FAILED or TIMED_OUT).
  std::optional<Event> EndAttempt(pqxx::work& tx, const repo::RunRow& run, repo::TaskRow task, const v1::Failure& failure,
                                  v1::EventType event, nlohmann::json extra, Effects& effects, bool* will_retry);
  StatusOr<std::optional<Event>> HandleOverdue(pqxx::work& tx, const repo::RunRow& run, const repo::TaskKey& key, bool expire_leases,
                                               Effects& effects);
  Status CloseRun(const std::string& run_id, v1::EventType event, const std::string& status, const std::string& reason);
};

}  // namespace vora::workflow
