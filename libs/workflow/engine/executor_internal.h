#pragma once

// Carries changes to runs into the database: those that come at the same time share one transaction, and are answered after its commit.
// One that is slow or cannot be carried out does not hold up the others: it goes on alone. Thread-safe.

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/pg/database.h"
#include "libs/run/thread_pool.h"
#include "libs/workflow/core/run_unit.h"
#include "libs/workflow/engine/call_queue_internal.h"
#include "libs/workflow/engine/hand_out_internal.h"

namespace vora::workflow {

// A change to one run. `apply` may run more than once, each time on a fresh unit: what it leaves outside is set anew each time.
struct RunOp {
  std::string run_id;
  std::vector<int64_t> tasks;  // that it is about: read together with those of other runs
  std::function<Status(RunUnit&)> apply;
  std::shared_ptr<Room> room = {};  // there is with the answer, for what this change or another schedules
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

  // Return at once. The answer comes after the commit, from a thread of the executor, which must not be held up. NOT_FOUND: no such run;
  // otherwise what `apply` says. UNAVAILABLE: the database is away, or it is in doubt whether the change was made. RESOURCE_EXHAUSTED: too
  // many calls wait for the database; then the answer comes at once.
  using Answer = std::function<void(const Status&)>;
  void Run(RunOp op, Answer answer);
  void Start(StartOp op, Answer answer);
  // The same, waiting for the answer.
  Status Run(RunOp op);
  Status Start(StartOp op);
  // In a transaction of its own, for what may take long.
  Status RunAlone(RunOp op);
  // At once, by the caller's thread, or not at all: UNAVAILABLE where another transaction holds the run.
  Status RunNow(const RunOp& op);
  // For the background: nobody waits for the outcome. Carried out now if that takes no waiting; a run whose replay is long goes on in a
  // thread of its own; one that another transaction holds is left out: whoever looks again finds it again. UNAVAILABLE: the database is
  // away.
  Status RunSoon(std::vector<RunOp> ops);
  // The same for many that belong together, in few transactions; an answer for each.
  std::vector<Status> RunAll(const std::vector<RunOp>& ops);
  // Waits for what RunSoon has left to threads of its own; it leaves nothing to them any more.
  void Stop() { apart_pool_.Stop(); }

 private:
  struct Item {
    const RunOp* run = nullptr;
    const StartOp* start = nullptr;
    Status status;
    bool alone = false;  // was left out: try it by itself
  };
  struct Call {
    Call(std::string k, std::variant<RunOp, StartOp> o, Answer a)
        : key(std::move(k)), op(std::move(o)), answer(std::move(a)), item{std::get_if<RunOp>(&op), std::get_if<StartOp>(&op), {}, false} {}
    const std::string key;  // calls of one key are about the same
    const std::variant<RunOp, StartOp> op;
    const Answer answer;
    Item item;
  };
  // kShared: with others, waiting for nothing. kAlone: waits for the run's lock. kApart: alone, and waits for nothing.
  enum class Mode { kShared, kAlone, kApart };
  class Batch;

  void Add(std::unique_ptr<Call> call);
  void CarryOut(std::vector<std::unique_ptr<Call>>& calls, const std::function<void()>& let_go);
  void CarryOutAlone(std::unique_ptr<Call> call);
  void Execute(const std::vector<Item*>& items, const std::function<void()>& let_go);
  std::vector<Item> ExecuteSome(std::span<const RunOp> ops);
  Status ExecuteAlone(Item& item);
  void RunApart(RunOp op);
  // `let_go`, if there is one, is called when the database has answered.
  Status Transact(const std::vector<Item*>& items, Mode mode, const std::function<void()>& let_go = {});

  pg::Database& db_;
  UnitContext context_;
  const Committed committed_;
  const Scheduled scheduled_;
  PollSource* polls_ = nullptr;
  std::mutex apart_mutex_;
  std::set<std::string> apart_;  // runs that are being carried out there
  ThreadPool apart_pool_{"workflow-apart", 2, 1000};
  // Those that wait for a run's lock hold a connection each: no more than these.
  ThreadPool alone_pool_{"workflow-alone", 4, 1000};
  CallQueue<Call> calls_;  // last: uses all of the above
};

}  // namespace vora::workflow
