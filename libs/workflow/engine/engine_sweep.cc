#include "libs/log/log.h"
#include "libs/workflow/engine/engine_internal.h"

namespace vora::workflow {
namespace {

// What is beyond it waits for the next pass, 200 ms later; a pass over a large backlog in one go would hold up timers.
constexpr int kBatch = 200;

struct Overdue {
  const char* type;  // Temporal's name of the timeout
  const char* code;
  const char* message;
  bool retryable;
};

constexpr Overdue kScheduleToClose{"SCHEDULE_TO_CLOSE", "timeout.schedule_to_close", "not done in time, over all attempts", false};
constexpr Overdue kScheduleToStart{"SCHEDULE_TO_START", "timeout.schedule_to_start", "no worker took it in time", false};
constexpr Overdue kStartToClose{"START_TO_CLOSE", "timeout.start_to_close", "the attempt took too long", true};
constexpr Overdue kHeartbeat{"HEARTBEAT", "timeout.heartbeat", "the worker went silent", true};

const Overdue* FindOverdue(const repo::TaskRow& task, int64_t now_us, bool expire_leases) {
  const auto passed = [&](const std::optional<int64_t>& deadline) { return deadline && *deadline <= now_us; };
  // The strongest first: when several have passed at once, the one that allows no further attempt decides.
  if (passed(task.schedule_to_close_deadline_us)) return &kScheduleToClose;
  if (!task.started) return passed(task.schedule_to_start_deadline_us) ? &kScheduleToStart : nullptr;
  if (passed(task.attempt_deadline_us)) return &kStartToClose;
  return expire_leases && passed(task.lease_deadline_us) ? &kHeartbeat : nullptr;
}

}  // namespace

StatusOr<std::optional<Event>> Engine::Impl::HandleOverdue(pqxx::work& tx, const repo::RunRow& run, const repo::TaskKey& key,
                                                           bool expire_leases, Effects& effects) {
  // Judged anew under the lock: since the pass read the keys a heartbeat, a report or another replica's sweep may have come first.
  auto task = repo::LockTask(tx, key);
  if (!task) return std::optional<Event>();
  const Overdue* overdue = FindOverdue(*task, run.now_us, expire_leases);
  if (!overdue) return std::optional<Event>();
  if (!run.parked_reason.empty()) {
    // The run cannot take an end now; the attempt is not held against the activity.
    if (task->started) repo::RescheduleTask(tx, *task, run.now_us);
    return std::optional<Event>();
  }
  v1::Failure failure = MakeFailure(overdue->code, overdue->message, !overdue->retryable);
  if (task->started) failure.set_message(failure.message() + " (worker " + task->worker_id + ")");
  const std::string type = task->activity_type;
  bool will_retry = false;
  auto end = EndAttempt(tx, run, std::move(*task), failure, v1::EVENT_TYPE_ACTIVITY_TASK_TIMED_OUT, {{"timeout_type", overdue->type}},
                        effects, &will_retry);
  CountAttempt(type, "timed_out");
  log::Warn("activity timed out", {{"workflow_id", run.workflow_id},
                                   {"scheduled_event_id", key.event_id},
                                   {"timeout_type", overdue->type},
                                   {"will_retry", will_retry}});
  return end;
}

StatusOr<int> Engine::Sweep(bool expire_leases) {
  std::vector<repo::TaskKey> tasks, timers;
  std::vector<std::string> runs;
  VORA_RETURN_IF_ERROR(impl_->Read([&](pqxx::nontransaction& tx) -> Status {
    tasks = repo::OverdueTasks(tx, expire_leases, kBatch);
    timers = repo::DueTimers(tx, kBatch);
    runs = repo::OverdueRuns(tx, kBatch);
    return {};
  }));
  int handled = 0;
  // One that fails (a parked run, a lost race) must not keep the others from being handled; a database that is away ends the pass.
  const auto count = [&](const Status& status) -> Status {
    if (status.ok()) ++handled;
    return status.code() == StatusCode::kUnavailable ? status : Status();
  };
  for (const auto& key : tasks) {
    VORA_RETURN_IF_ERROR(count(impl_->Transact(key.run_id, [&](pqxx::work& tx, repo::RunRow& run, Effects& effects) {
      return impl_->HandleOverdue(tx, run, key, expire_leases, effects);
    })));
  }
  for (const auto& key : timers) {
    VORA_RETURN_IF_ERROR(
        count(impl_->Transact(key.run_id, [&](pqxx::work& tx, repo::RunRow& run, Effects&) -> StatusOr<std::optional<Event>> {
          // Replicas sweep side by side: whoever deletes the row fires the timer, and a transition that fails puts the row back.
          if (!run.running() || !repo::DeleteTimer(tx, key)) return std::optional<Event>();
          return std::optional(Event{0, v1::EVENT_TYPE_TIMER_FIRED, 0, {{"started_event_id", key.event_id}}});
        })));
  }
  for (const auto& run_id : runs) {
    VORA_RETURN_IF_ERROR(count(
        impl_->CloseRun(run_id, v1::EVENT_TYPE_WORKFLOW_EXECUTION_TIMED_OUT, "TIMED_OUT", "the workflow's execution_timeout is over")));
  }
  return handled;
}

StatusOr<int> Engine::RetryParked() {
  std::vector<std::string> runs;
  VORA_RETURN_IF_ERROR(impl_->Read([&](pqxx::nontransaction& tx) -> Status {
    runs = repo::ParkedRuns(tx, kBatch);
    return {};
  }));
  int freed = 0;
  for (const auto& run_id : runs) {
    Effects effects;
    std::set<std::string> queues;
    const Status status = impl_->Write([&](pqxx::work& tx) -> Status {
      effects = {};
      queues.clear();
      auto run = repo::LockRun(tx, run_id);
      if (!run || !run->running() || run->parked_reason.empty()) return NotFound("not parked any more");
      // The whole replay, without an input: letting the tasks go before it is known that the code agrees would give workers tasks whose
      // results cannot be taken.
      VORA_RETURN_IF_ERROR(Transition(tx, *run, impl_->registry, impl_->cache, effects).Check());
      run->parked_reason.clear();
      repo::UpdateRun(tx, *run);
      repo::UnparkTasks(tx, run_id);
      for (const auto& task : repo::TasksOfRun(tx, run_id)) queues.insert(task.queue);
      return {};
    });
    if (!status.ok()) continue;
    ++freed;
    log::Info("workflow goes on: code and history agree again", {{"run_id", run_id}});
    for (const auto& queue : queues) impl_->wake.QueueReady(queue);
  }
  return freed;
}

}  // namespace vora::workflow
