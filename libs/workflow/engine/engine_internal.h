#pragma once

// The engine's inside, shared by its engine_*.cc files.

#include <atomic>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "libs/pg/database.h"
#include "libs/workflow/core/run_ops.h"
#include "libs/workflow/definition/replay_cache.h"
#include "libs/workflow/engine/engine.h"
#include "libs/workflow/engine/executor_internal.h"
#include "libs/workflow/scheduler/paces.h"
#include "libs/workflow/scheduler/picker.h"
#include "libs/workflow/store/stats_repo_internal.h"

namespace vora::workflow {

// As calls name a run; without a run_id the newest. INVALID_ARGUMENT names the field.
Status CheckRunIds(const std::string& workflow_id, const std::string& run_id);

struct Engine::Impl {
  pg::Database& db;
  const Registry& registry;
  WakeSink& wake;
  obs::Metrics& metrics;
  const std::string build_id;
  const RetentionOptions retention;
  const bool second_attempts;
  const std::chrono::milliseconds straggler_pause;
  ReplayCache cache;
  obs::Counter& transitions;
  obs::Counter& parked_transitions;
  obs::Counter &second_attempts_begun, &second_attempts_won;
  std::atomic<int64_t> parked_after{0};  // where the next look at parked runs begins
  std::mutex queues_mutex;
  std::set<std::string> known_queues;
  ReplayCache::Uses told_uses;  // in the metrics
  // How long it took to count what operators watch, the last time.
  std::atomic<int64_t> counting_queues_us{0}, counting_runs_us{0};
  std::map<std::string, int> slots;        // of the workers of each queue, as last seen
  std::map<std::string, int64_t> running;  // tasks of each queue, as last seen
  // Whose turn it is in a queue.
  struct Turns {
    std::mutex mutex;
    scheduler::Picker picker;
    int64_t last_us = 0;  // its clock
  };
  std::map<std::string, Turns> turns;
  class Claims;
  // What tells stragglers, by queue.
  struct Speed {
    scheduler::Paces paces;
    std::chrono::steady_clock::time_point next_look{};
  };
  std::mutex speeds_mutex;
  std::map<std::string, Speed> speeds;
  Executor executor;  // last: what it still carries out uses all of the above

  Impl(pg::Database& d, const Registry& r, WakeSink& w, obs::Metrics& m, const EngineOptions& options);

  StatusOr<std::string> ResolveRun(const std::string& workflow_id, const std::string& run_id);
  // db.Transact; lost races are UNAVAILABLE, since ABORTED means a stale token.
  Status Write(const std::function<Status(pqxx::work&)>& body);
  template <typename Body>
  auto Read(Body body) {
    return db.Read(std::move(body));
  }
  // What follows a commit: metrics, logs, spans, wake-ups.
  void Committed(const Executor::Done& done);
  void Scheduled(const std::vector<TaskRow>& given, const std::set<std::string>& ready_queues);
  void NoteDone(const std::vector<Effects::Done>& done);
  bool MayHaveStragglers(const std::string& queue);
  // A second attempt of a straggler, for one of the polls, if there is one that is worth it.
  struct Given {
    size_t poll = 0;
    v1::ActivityTask task;
  };
  std::optional<Given> GiveSecondAttempt(const std::vector<const v1::PollActivitiesRequest*>& polls, const std::vector<std::string>& types);
  Turns& TurnsOf(const std::string& queue);
  int SlotsOf(const std::string& queue);
  // What the replicas have counted last, or what this one counts when that is due.
  StatusOr<std::vector<repo::QueueStats>> ReadQueues();
  template <typename Figures>
  StatusOr<Figures> ReadCounted(std::atomic<int64_t>& counting_us,
                                repo::Counted<Figures> (*read)(pqxx::transaction_base&, std::chrono::microseconds));
  // Why there is no such run: NOT_FOUND, telling of one that has left.
  Status NoRun(pqxx::transaction_base& tx, const std::string& workflow_id, const std::string& run_id);
  void LookAfterMonths();
  Status Export(const RunRow& run);
  // Those that are written now.
  StatusOr<std::vector<std::string>> ExportAll(const std::vector<std::string>& run_ids);
  Status Leave(const std::vector<std::string>& run_ids);
  void CountAttempt(const std::string& type, const char* result);
  void NoteClaimed(const std::string& type, int64_t waited_us);
  void UpdateCacheMetrics();
  void NoteClosed(const RunRow& run);
};

}  // namespace vora::workflow
