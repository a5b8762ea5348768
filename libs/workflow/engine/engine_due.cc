#include "libs/log/log.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/store/due_repo_internal.h"

namespace vora::workflow {
namespace {

// What is beyond it waits for the next round, which comes at once.
constexpr int kDueBatch = 500;

}  // namespace

StatusOr<Due> Engine::HandleDue(bool expire_leases) {
  const auto begin = std::chrono::steady_clock::now();
  VORA_ASSIGN_OR_RETURN(const auto next,
                        impl_->Read([](pqxx::nontransaction& tx) -> StatusOr<std::optional<int64_t>> { return repo::NextDueIn(tx); }));
  Due due;
  due.looked_for = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - begin);
  if (next) due.next = std::chrono::microseconds(*next);
  if (!next || *next > 0) return due;

  // Each part of a backlog is taken up in a transaction of its own.
  VORA_ASSIGN_OR_RETURN(const auto timers, impl_->db.Transact([](pqxx::work& tx) -> StatusOr<std::vector<TaskKey>> {
    return repo::TakeDueTimers(tx, kDueBatch);
  }));
  VORA_ASSIGN_OR_RETURN(const auto released, impl_->db.Transact([](pqxx::work& tx) -> StatusOr<repo::Released> {
    return repo::ReleaseDelayedTasks(tx, kDueBatch);
  }));
  VORA_ASSIGN_OR_RETURN(const auto tasks, impl_->db.Transact([&](pqxx::work& tx) -> StatusOr<std::vector<TaskKey>> {
    return repo::TakeOverdueTasks(tx, expire_leases, kDueBatch);
  }));
  VORA_ASSIGN_OR_RETURN(const auto seconds, impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<TaskKey>> {
    return repo::TasksWithOverdueSecond(tx, expire_leases);
  }));
  VORA_ASSIGN_OR_RETURN(const auto runs, impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<std::string>> {
    return repo::OverdueRuns(tx, kDueBatch);
  }));
  for (const auto& queue : released.queues) impl_->wake.QueueReady(queue);

  std::vector<RunOp> ops;
  for (const auto& key : timers) {
    ops.push_back({key.run_id, {}, [id = key.event_id](RunUnit& unit) -> Status {
                     FireTimer(unit, id);
                     return {};
                   }});
  }
  for (const auto* overdue : {&tasks, &seconds}) {
    for (const auto& key : *overdue) {
      ops.push_back({key.run_id, {key.event_id}, [id = key.event_id, expire_leases](RunUnit& unit) -> Status {
                       ExpireTask(unit, id, expire_leases);
                       return {};
                     }});
    }
  }
  for (const auto& run_id : runs) {
    ops.push_back({run_id, {}, [](RunUnit& unit) -> Status {
                     TimeOutRun(unit);
                     return {};
                   }});
  }
  // One that fails must not keep the others from being handled; it is taken up again later. A database that is away ends the round.
  VORA_RETURN_IF_ERROR(impl_->executor.RunSoon(std::move(ops)));
  due.more = timers.size() == kDueBatch || tasks.size() == kDueBatch || released.tasks == kDueBatch;
  return due;
}

StatusOr<int> Engine::RetryParked(int limit) {
  VORA_ASSIGN_OR_RETURN(const auto runs, impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<repo::ParkedRun>> {
    return repo::ParkedRuns(tx, impl_->build_id, impl_->parked_after, limit);
  }));
  // In turn, so that some that cannot be tried now do not stand before the others for ever.
  impl_->parked_after = static_cast<int>(runs.size()) == limit ? runs.back().seq : 0;
  int tried = 0;
  // Each alone: a replay may take long, and more than one in a transaction would hold the locks of all.
  for (const auto& [run_id, seq] : runs) {
    const Status status = impl_->executor.RunAlone({run_id, {}, [](RunUnit& unit) -> Status {
                                                      unit.TryAgain();
                                                      return {};
                                                    }});
    if (status.code() == StatusCode::kUnavailable) return status;
    if (status.ok()) ++tried;
    if (!status.ok()) log::Warn("a parked run could not be tried again", {{"run_id", run_id}, {"error", ToText(status)}});
  }
  return tried;
}

}  // namespace vora::workflow
