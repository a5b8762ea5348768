#include "libs/workflow/engine/executor_internal.h"

#include <algorithm>
#include <chrono>
#include <future>
#include <limits>
#include <map>
#include <set>
#include <span>

#include "libs/log/log.h"
#include "libs/workflow/store/change_repo_internal.h"
#include "libs/workflow/store/retention_repo_internal.h"
#include "libs/workflow/store/run_repo_internal.h"
#include "libs/workflow/store/task_repo_internal.h"

namespace vora::workflow {
namespace {

constexpr size_t kMaxShared = 64;
constexpr size_t kTransactions = 4;  // at a time
// Calls hold no thread, so that nothing else bounds how many wait while the database stands still. Their callers try again.
constexpr size_t kMostWaitingCalls = 2000;
constexpr std::chrono::milliseconds kMostWait{2000};
// Events that must be replayed first. More would hold up those in the same transaction for longer than a commit takes.
constexpr int64_t kLongReplay = 500;
constexpr int kWholeHistory = std::numeric_limits<int>::max();

class Loader : public UnitLoader {
 public:
  explicit Loader(pqxx::transaction_base& tx) : tx_(tx) {}
  std::vector<TaskRow> LoadTasks(const std::string& run_id, const std::vector<int64_t>& ids) override {
    std::vector<TaskKey> keys;
    for (const int64_t id : ids) keys.push_back({run_id, id});
    return repo::LockTasks(tx_, keys);
  }
  std::vector<TaskRow> LoadOpenTasks(const std::string& run_id) override { return repo::LockTasksOfRun(tx_, run_id); }
  std::vector<Event> LoadHistory(const std::string& run_id, int64_t after) override {
    return repo::LoadHistory(tx_, run_id, after, kWholeHistory, /*inputs=*/false);
  }
  std::vector<InboxRow> LoadInbox(const std::string& run_id) override { return repo::LoadInbox(tx_, run_id); }
  bool HasTimer(const TaskKey& timer) override { return repo::HasTimer(tx_, timer); }
  bool WasTaken(const TaskKey& task, int64_t lease) override { return repo::WasTaken(tx_, task, lease); }
  bool HasSignal(const std::string& run_id, const std::string& request_id) override { return repo::HasSignal(tx_, run_id, request_id); }

 private:
  pqxx::transaction_base& tx_;
};

// The answer of a call that is answered elsewhere.
template <typename CallIt>
Status Await(CallIt call) {
  // Shared: whoever answers may be in set_value still when the answer is read.
  const auto answer = std::make_shared<std::promise<Status>>();
  call([answer](const Status& status) { answer->set_value(status); });
  return answer->get_future().get();
}

}  // namespace

// What one transaction makes of its items. Made anew when the transaction runs again.
class Executor::Batch {
 public:
  // What took long has begun long ago by the database's clock: a worker would be thought to have lost it on the way.
  Batch(pqxx::work& tx, UnitContext& context, PollSource* polls, Mode mode)
      : tx_(tx), loader_(tx), context_(context), mode_(mode), hand_out_(mode == Mode::kShared ? polls : nullptr) {}

  Status Apply(const std::vector<Item*>& items) {
    for (Item* item : items) {
      item->status = {};
      item->alone = false;
    }
    Start(items);
    VORA_RETURN_IF_ERROR(Lock(items));
    for (Item* item : items) {
      if (!item->run || item->alone) continue;
      const auto unit = units_.find(item->run->run_id);
      item->status = unit == units_.end() ? NotFound("no workflow run " + item->run->run_id) : item->run->apply(unit->second);
      if (item->status.ok() && item->run->room) hand_out_.Add(item->run->room);
    }
    Changes changes;
    for (auto& [id, unit] : units_) {
      unit.Finish(changes);
      attempts_[id];
    }
    for (const auto& attempt : changes.attempts) attempts_[attempt.key.run_id].push_back(attempt);
    for (auto& task : changes.new_tasks) {
      // While operators have set limits, whose turn it is is decided where all of the queue is seen.
      if (!restricted_) hand_out_.Offer(task, task.scheduled_time_us);
      if (!task.started && !task.held) ready_queues_.insert(task.queue);
    }
    repo::WriteChanges(tx_, changes);
    return {};
  }

  void Commit(const Committed& committed) {
    for (auto& [id, unit] : units_) committed({unit.run(), unit.effects(), attempts_[id], began_});
  }
  void Deliver(const Scheduled& scheduled) {
    hand_out_.Deliver();
    scheduled(hand_out_.given(), ready_queues_);
  }

 private:
  void Start(const std::vector<Item*>& items) {
    std::vector<std::string> ids;
    for (const Item* item : items) {
      if (item->start) ids.push_back(item->start->run.workflow_id);
    }
    if (ids.empty()) return;
    std::sort(ids.begin(), ids.end());
    // The lock before all look-ups: two starts at once would both find nothing, and one of them would end in a violated unique index
    // instead of the other's run.
    const repo::Clock clock = repo::LockWorkflowIds(tx_, ids);
    std::map<std::string, RunRow> newest;
    for (auto& run : repo::NewestRuns(tx_, ids)) newest.insert_or_assign(run.workflow_id, std::move(run));
    LookForPast(items, newest);
    restricted_ = restricted_ || clock.restricted;
    for (Item* item : items) {
      if (item->start) item->status = StartOne(*item->start, newest, clock.now_us);
    }
  }

  // Of runs that have left only the ids are known. The newest of an id stands for it while there is no other.
  void LookForPast(const std::vector<Item*>& items, std::map<std::string, RunRow>& newest) {
    std::vector<std::pair<std::string, std::string>> asked;
    for (const Item* item : items) {
      if (item->start) asked.emplace_back(item->start->run.workflow_id, item->start->run.request_id);
    }
    for (auto& run : repo::PastRuns(tx_, asked)) {
      past_.insert_or_assign({run.workflow_id, run.request_id}, run);
      const auto [known, first] = newest.try_emplace(run.workflow_id, run);
      if (!first && known->second.start_time_us == 0 && known->second.run_id < run.run_id) known->second = run;
    }
  }

  std::optional<RunRow> RunOfRequest(const StartOp& op) {
    auto found = repo::FindRunByRequest(tx_, op.run.workflow_id, op.run.request_id);
    if (found) return found;
    const auto past = past_.find({op.run.workflow_id, op.run.request_id});
    return past == past_.end() ? std::nullopt : std::optional(past->second);
  }

  Status StartOne(const StartOp& op, std::map<std::string, RunRow>& newest, int64_t now) {
    const auto found = newest.find(op.run.workflow_id);
    std::optional<RunRow> same;
    if (!op.run.request_id.empty() && found != newest.end()) {
      // In most cases there is no other run than the newest.
      same = found->second.request_id == op.run.request_id ? found->second : RunOfRequest(op);
    }
    VORA_ASSIGN_OR_RETURN(const bool make, op.found(same ? &*same : nullptr, found == newest.end() ? nullptr : &found->second));
    if (!make) return {};
    RunRow run = op.run;
    run.start_time_us = run.now_us = now;
    if (op.execution_timeout_us > 0) run.execution_deadline_us = now + op.execution_timeout_us;
    newest.insert_or_assign(run.workflow_id, run);
    const std::string id = run.run_id;
    return op.apply(
        units_.emplace(std::piecewise_construct, std::forward_as_tuple(id), std::forward_as_tuple(context_, loader_, std::move(run), true))
            .first->second);
  }

  Status Lock(const std::vector<Item*>& items) {
    std::set<std::string> wanted;
    for (const Item* item : items) {
      if (item->run) wanted.insert(item->run->run_id);
    }
    if (wanted.empty()) return {};
    for (auto& run : repo::LockRuns(tx_, {wanted.begin(), wanted.end()}, /*skip_locked=*/mode_ != Mode::kAlone)) {
      const std::string id = run.run_id;
      restricted_ = restricted_ || run.restricted;
      const bool slow = mode_ == Mode::kShared && run.running() && run.history_length - context_.cache.Seen(id) > kLongReplay;
      if (slow) continue;
      wanted.erase(id);
      units_.emplace(std::piecewise_construct, std::forward_as_tuple(id), std::forward_as_tuple(context_, loader_, std::move(run), false));
    }
    if (mode_ != Mode::kAlone) {
      // Held by another transaction, slow, or not there: only a transaction of its own may find that out.
      for (Item* item : items) item->alone = item->run && wanted.contains(item->run->run_id);
    }
    LoadTasks(items);
    return {};
  }

  // The tasks of all items in one statement.
  void LoadTasks(const std::vector<Item*>& items) {
    std::map<std::string, std::vector<int64_t>> asked;
    std::vector<TaskKey> keys;
    for (const Item* item : items) {
      if (!item->run || !units_.contains(item->run->run_id)) continue;
      for (const int64_t id : item->run->tasks) {
        asked[item->run->run_id].push_back(id);
        keys.push_back({item->run->run_id, id});
      }
    }
    if (keys.empty()) return;
    std::map<std::string, std::vector<TaskRow>> tasks;
    for (auto& task : repo::LockTasks(tx_, keys)) tasks[task.run_id].push_back(std::move(task));
    for (const auto& [run_id, ids] : asked) units_.at(run_id).Preloaded(ids, std::move(tasks[run_id]));
  }

  pqxx::work& tx_;
  Loader loader_;
  UnitContext& context_;
  const Mode mode_;
  const SystemTime began_ = std::chrono::system_clock::now();
  std::map<std::string, RunUnit> units_;
  std::map<std::string, std::vector<AttemptRow>> attempts_;
  std::map<std::pair<std::string, std::string>, RunRow> past_;  // by workflow and request
  HandOut hand_out_;
  std::set<std::string> ready_queues_;
  bool restricted_ = false;
};

Executor::Executor(pg::Database& db, UnitContext context, Committed committed, Scheduled scheduled)
    : db_(db),
      context_(std::move(context)),
      committed_(std::move(committed)),
      scheduled_(std::move(scheduled)),
      calls_(kTransactions, kMaxShared, kMostWaitingCalls, [this](auto& calls, const auto& let_go) { CarryOut(calls, let_go); }) {}

void Executor::Add(std::unique_ptr<Call> call) {
  if (const auto refused = calls_.Add(std::move(call))) {
    refused->answer(ResourceExhausted(std::to_string(kMostWaitingCalls) + " calls wait for the database, which is the limit; try again"));
  }
}

void Executor::Run(RunOp op, Answer answer) {
  std::string key = op.run_id;
  Add(std::make_unique<Call>(std::move(key), std::move(op), std::move(answer)));
}

void Executor::Start(StartOp op, Answer answer) {
  std::string key = op.run.workflow_id;
  Add(std::make_unique<Call>(std::move(key), std::move(op), std::move(answer)));
}

Status Executor::Run(RunOp op) {
  return Await([&](Answer answer) { Run(std::move(op), std::move(answer)); });
}

Status Executor::Start(StartOp op) {
  return Await([&](Answer answer) { Start(std::move(op), std::move(answer)); });
}

Status Executor::RunAlone(RunOp op) {
  return Await([&](Answer answer) { CarryOutAlone(std::make_unique<Call>("", std::move(op), std::move(answer))); });
}

std::vector<Executor::Item> Executor::ExecuteSome(std::span<const RunOp> ops) {
  std::vector<Item> items(ops.size());
  std::vector<Item*> all;
  for (size_t i = 0; i < ops.size(); ++i) {
    items[i].run = &ops[i];
    all.push_back(&items[i]);
  }
  Execute(all, {});
  return items;
}

std::vector<Status> Executor::RunAll(const std::vector<RunOp>& ops) {
  std::vector<Status> statuses;
  for (size_t begin = 0; begin < ops.size(); begin += kMaxShared) {
    for (Item& item : ExecuteSome(std::span(ops).subspan(begin, std::min(kMaxShared, ops.size() - begin)))) {
      statuses.push_back(item.alone ? ExecuteAlone(item) : std::move(item.status));
    }
  }
  return statuses;
}

void Executor::CarryOut(std::vector<std::unique_ptr<Call>>& calls, const std::function<void()>& let_go) {
  std::vector<Item*> items;
  for (const auto& call : calls) items.push_back(&call->item);
  Execute(items, let_go);
  let_go();
  for (auto& call : calls) {
    if (call->item.alone) {
      CarryOutAlone(std::move(call));
    } else {
      call->answer(call->item.status);
    }
  }
}

void Executor::CarryOutAlone(std::unique_ptr<Call> call) {
  const auto shared = std::shared_ptr<Call>(std::move(call));
  const auto until = std::chrono::steady_clock::now() + kMostWait;
  const Status busy = Unavailable("the workflow is busy with something that takes long; try again");
  const bool taken = alone_pool_.TrySubmit(
      [this, shared, until, busy] { shared->answer(std::chrono::steady_clock::now() < until ? ExecuteAlone(shared->item) : busy); });
  if (!taken) shared->answer(busy);
}

void Executor::Execute(const std::vector<Item*>& items, const std::function<void()>& let_go) {
  const Status status = Transact(items, Mode::kShared, let_go);
  if (status.ok()) return;
  // A database that is away is away for all. Anything else may be the fault of one, which each finds out by itself; a commit in doubt is
  // UNAVAILABLE, and is not repeated.
  const bool away = status.code() == StatusCode::kUnavailable;
  for (Item* item : items) {
    item->status = status;
    item->alone = !away;
  }
}

Status Executor::ExecuteAlone(Item& item) {
  const Status status = Transact({&item}, Mode::kAlone);
  // ABORTED of the database is a lost race; of an item, a stale token.
  if (status.code() == StatusCode::kAborted) return Unavailable(Message(status));
  return status.ok() ? item.status : status;
}

Status Executor::RunNow(const RunOp& op) {
  Item item;
  item.run = &op;
  VORA_RETURN_IF_ERROR(Transact({&item}, Mode::kApart));
  return item.alone ? Unavailable("another transaction holds the workflow") : item.status;
}

Status Executor::RunSoon(std::vector<RunOp> ops) {
  for (size_t begin = 0; begin < ops.size(); begin += kMaxShared) {
    const auto items = ExecuteSome(std::span(ops).subspan(begin, std::min(kMaxShared, ops.size() - begin)));
    for (size_t i = 0; i < items.size(); ++i) {
      if (items[i].alone) RunApart(std::move(ops[begin + i]));
      if (!items[i].alone && items[i].status.code() == StatusCode::kUnavailable) return items[i].status;
    }
  }
  return {};
}

void Executor::RunApart(RunOp op) {
  const std::string run_id = op.run_id;
  {
    const std::lock_guard lock(apart_mutex_);
    if (!apart_.insert(run_id).second) return;
  }
  const auto done = [this, run_id] {
    const std::lock_guard lock(apart_mutex_);
    apart_.erase(run_id);
  };
  const bool taken = apart_pool_.TrySubmit([this, done, op = std::move(op)] {
    Item item;
    item.run = &op;
    const Status status = Transact({&item}, Mode::kApart);
    const Status failed = status.ok() ? item.status : status;
    if (!failed.ok() && failed.code() != StatusCode::kNotFound) {
      log::Warn("a change to a workflow could not be made; it will be tried again", {{"run_id", op.run_id}, {"error", ToText(failed)}});
    }
    done();
  });
  if (!taken) done();
}

Status Executor::Transact(const std::vector<Item*>& items, Mode mode, const std::function<void()>& let_go) {
  std::optional<Batch> batch;
  const Status status = db_.Transact([&](pqxx::work& tx) -> Status {
    batch.reset();  // its polls are in the line again before the next try takes them
    batch.emplace(tx, context_, polls_, mode);
    return batch->Apply(items);
  });
  if (!status.ok()) return status;
  batch->Commit(committed_);
  if (let_go) let_go();
  batch->Deliver(scheduled_);
  return status;
}

}  // namespace vora::workflow
