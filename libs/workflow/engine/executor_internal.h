#pragma once

// Carries changes to runs into the database: those that come at the same time share one transaction, and are answered after its commit.
// One that is slow or cannot be carried out does not hold up the others: it goes on alone. Thread-safe.

#include <array>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <semaphore>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/pg/database.h"
#include "libs/run/thread_pool.h"
#include "libs/workflow/core/run_unit.h"
#include "libs/workflow/engine/poll_source.h"

namespace vora::workflow {

// A change to one run. `apply` may run more than once, each time on a fresh unit: what it leaves outside is set anew each time.
struct RunOp {
  std::string run_id;
  std::vector<int64_t> tasks;  // that it is about: read together with those of other runs
  std::function<Status(RunUnit&)> apply;
};

// A new run. `found` decides on what there is under its id: by the same request, and the newest one; true makes the run.
struct StartOp {
  RunRow run;  // workflow_id, tenant, type, request_id, traceparent; the rest is set
  int64_t execution_timeout_us = 0;
  std::function<StatusOr<bool>(const RunRow* by_request, const RunRow* newest)> found;
  std::function<Status(RunUnit&)> apply;
};

class Executor {
 public:
  // Called after the commit, before the calls are answered.
  struct Done {
    const RunRow& run;
    Effects& effects;
    const std::vector<AttemptRow>& attempts;
    SystemTime began;  // the transaction
  };
  using Committed = std::function<void(const Done&)>;
  // Called after the commit, of new tasks: of those that a waiting poll was given, and the queues where others wait.
  using Scheduled = std::function<void(const std::vector<TaskRow>& given, const std::set<std::string>& ready_queues)>;
  Executor(pg::Database& db, UnitContext context, Committed committed, Scheduled scheduled);
  // Whom new tasks are given to; nullptr: to nobody. Set before calls come, and after the last has ended.
  void SetPollSource(PollSource* polls) { polls_ = polls; }

  // Return after the commit. NOT_FOUND: no such run; otherwise what `apply` says. UNAVAILABLE: the database is away, or it is in doubt
  // whether the change was made.
  Status Run(const RunOp& op);
  Status Start(const StartOp& op);
  // The same in a transaction of its own, for what may take long.
  Status RunAlone(const RunOp& op);
  // For the background: nobody waits for the outcome. Carried out now if that takes no waiting; a run whose replay is long goes on in a
  // thread of its own; one that another transaction holds is left out: whoever looks again finds it again. UNAVAILABLE: the database is
  // away.
  Status RunSoon(std::vector<RunOp> ops);
  // The same for many that belong together, in few transactions; an answer for each.
  std::vector<Status> RunAll(const std::vector<RunOp>& ops);

 private:
  struct Item {
    const RunOp* run = nullptr;
    const StartOp* start = nullptr;
    Status status;
    bool alone = false;  // was left out: try it by itself
    bool done = false;
  };
  struct Lane {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Item*> waiting;
    bool busy = false;
  };
  // kShared: with others, waiting for nothing. kAlone: waits for the run's lock. kApart: alone, and waits for nothing.
  enum class Mode { kShared, kAlone, kApart };
  class Batch;

  Status Share(const std::string& name, Item& item);
  void Execute(const std::vector<Item*>& items);
  std::vector<Item> ExecuteSome(std::span<const RunOp> ops);
  Status ExecuteAlone(Item& item);
  void RunApart(RunOp op);
  Status Transact(const std::vector<Item*>& items, Mode mode);

  pg::Database& db_;
  UnitContext context_;
  const Committed committed_;
  const Scheduled scheduled_;
  PollSource* polls_ = nullptr;
  std::array<Lane, 4> lanes_;
  // Callers that wait for a run's lock hold a connection each: no more than these.
  std::counting_semaphore<4> alone_{4};
  std::mutex apart_mutex_;
  std::set<std::string> apart_;  // runs that are being carried out there
  ThreadPool apart_pool_{"workflow-apart", 2, 1000};
};

}  // namespace vora::workflow
