#include "libs/workflow/engine/engine.h"

#include "libs/core/error.h"
#include "libs/log/log.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/engine/build_id.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/engine/engine_spans_internal.h"
#include "libs/workflow/engine/run_views_internal.h"
#include "libs/workflow/metrics.h"
#include "libs/workflow/store/run_repo_internal.h"

namespace vora::workflow {

Engine::Impl::Impl(pg::Database& d, const Registry& r, WakeSink& w, obs::Metrics& m, const EngineOptions& options)
    : db(d),
      registry(r),
      wake(w),
      metrics(m),
      build_id(options.build_id.empty() ? BuildId() : options.build_id),
      retention(options.retention),
      second_attempts(options.second_attempts),
      straggler_pause(options.straggler_pause),
      cache(options.replay_cache_bytes),
      transitions(kTransitions.In(m)),
      parked_transitions(kParkedTransitions.In(m)),
      second_attempts_begun(kSecondAttempts.In(m, {"begun"})),
      second_attempts_won(kSecondAttempts.In(m, {"won"})),
      executor(
          d, {r, cache, build_id, [this](const std::string& queue) { return SlotsOf(queue); }},
          [this](const Executor::Done& done) { Committed(done); },
          [this](const std::vector<TaskRow>& given, const std::set<std::string>& queues) { Scheduled(given, queues); }) {}

Engine::Engine(pg::Database& db, const Registry& registry, WakeSink& wake, obs::Metrics& metrics, EngineOptions options)
    : impl_(std::make_unique<Impl>(db, registry, wake, metrics, options)) {}
Engine::~Engine() = default;

Status Engine::Impl::Write(const std::function<Status(pqxx::work&)>& body) {
  // The body's own ABORTED (a stale token) must not look like a lost race of the database, nor the other way round.
  Status own;
  const Status status = db.Transact([&](pqxx::work& tx) {
    own = body(tx);
    return own.code() == StatusCode::kAborted ? FailedPrecondition(Message(own)) : own;
  });
  if (own.code() == StatusCode::kAborted && status.code() == StatusCode::kFailedPrecondition) return own;
  if (status.code() == StatusCode::kAborted) return Unavailable(Message(status));
  return status;
}

void Engine::Impl::Committed(const Executor::Done& done) {
  const RunRow& run = done.run;
  Effects& effects = done.effects;
  for (const auto& count : effects.counts) {
    CountAttempt(count.activity_type, count.result.c_str());
    if (count.took_us >= 0) kActivityDuration.In(metrics, {count.activity_type}).Observe(static_cast<double>(count.took_us) / 1e6);
  }
  for (const auto& attempt : done.attempts) {
    log::Warn("attempt of an activity ended without success", {{"workflow_id", run.workflow_id},
                                                               {"activity_id", attempt.activity_id},
                                                               {"attempt", attempt.attempt},
                                                               {"outcome", attempt.outcome},
                                                               {"worker_id", attempt.worker_id},
                                                               {"failure", attempt.failure}});
  }
  NoteDone(effects.done);
  if (effects.second_attempts_won > 0) second_attempts_won.Increment(effects.second_attempts_won);
  if (!effects.parked.empty()) {
    parked_transitions.Increment();
    log::Error("workflow is parked", {{"workflow_id", run.workflow_id}, {"run_id", run.run_id}, {"reason", effects.parked}});
  } else if (effects.unparked) {
    log::Info("workflow goes on: code and history agree again", {{"workflow_id", run.workflow_id}, {"run_id", run.run_id}});
  }
  if (effects.paused && run.paused()) {
    log::Info("workflow is paused",
              {{"workflow_id", run.workflow_id}, {"run_id", run.run_id}, {"by", run.paused_by}, {"reason", run.pause_reason}});
  } else if (effects.unpaused) {
    log::Info("workflow is not paused any more", {{"workflow_id", run.workflow_id}, {"run_id", run.run_id}});
  }
  if (effects.advanced) {
    transitions.Increment();
    RecordTransitionSpan(run, done.began);
  }
  if (effects.closed) {
    cache.Drop(run.run_id);
    NoteClosed(run);
    RecordRunSpan(run);
  }
  // Only now: a replayer of a transition that was rolled back has seen events that are in no history.
  if (effects.replayer) cache.Put(run.run_id, std::move(effects.replayer));
  // After the commit: a poller woken before it would not see the tasks, and go back to sleep.
  std::set<std::string> now;
  for (const auto& wanted : effects.wakes) {
    if (wanted.delay_us == 0) {
      now.insert(wanted.queue);
    } else {
      wake.DueAfter(std::chrono::microseconds(wanted.delay_us));
    }
  }
  for (const auto& queue : now) wake.QueueReady(queue);
  if (effects.next_timer_us > 0) wake.DueAfter(std::chrono::microseconds(effects.next_timer_us - run.now_us));
  for (const auto& [worker, task] : effects.cancels) wake.CancelRequested(worker, TaskToken::Of(task).Encode());
  for (const auto& [worker, task] : effects.releases) wake.ReleaseRequested(worker, TaskToken::Of(task).Encode());
  if (effects.closed) wake.RunClosed(ToWorkflowInfo(run));
}

void Engine::Impl::Scheduled(const std::vector<TaskRow>& given, const std::set<std::string>& ready_queues) {
  std::vector<obs::SpanRecord> spans;
  for (const auto& task : given) {
    NoteClaimed(task.activity_type, 0);
    AddWaitSpan(task, spans);
    if (task.attempt_deadline_us) wake.DueAfter(std::chrono::microseconds(*task.attempt_deadline_us - task.scheduled_time_us));
    if (task.heartbeat_us > 0) wake.DueAfter(std::chrono::microseconds(task.heartbeat_us));
  }
  for (auto& span : spans) obs::RecordSpan(std::move(span));
  if (!given.empty()) wake.WorkBegan();
  for (const auto& queue : ready_queues) wake.QueueReady(queue);
}

void Engine::RunClosed(const std::string& run_id) { impl_->cache.Drop(run_id); }
bool Engine::IsKnownOpen(const std::string& run_id) { return impl_->cache.Seen(run_id) > 0; }
void Engine::Stop() { impl_->executor.Stop(); }
void Engine::SetPollSource(PollSource* polls) { impl_->executor.SetPollSource(polls); }

Engine::Impl::Turns& Engine::Impl::TurnsOf(const std::string& queue) {
  const std::lock_guard lock(queues_mutex);
  return turns[queue];  // never erased: as many as there are names of queues
}

int Engine::Impl::SlotsOf(const std::string& queue) {
  const std::lock_guard lock(queues_mutex);
  const auto found = slots.find(queue);
  return found == slots.end() ? 0 : found->second;
}

Status CheckRunIds(const std::string& workflow_id, const std::string& run_id) {
  if (workflow_id.empty()) return InvalidField("workflow_id", "must not be empty");
  VORA_RETURN_IF_ERROR(CheckPayload("workflow_id", workflow_id));
  return CheckPayload("run_id", run_id);
}

StatusOr<std::string> Engine::Impl::ResolveRun(const std::string& workflow_id, const std::string& run_id) {
  VORA_RETURN_IF_ERROR(CheckRunIds(workflow_id, run_id));
  std::string found;
  VORA_RETURN_IF_ERROR(Read([&](pqxx::nontransaction& tx) -> Status {
    const auto run = repo::FindRun(tx, workflow_id, run_id);
    if (!run) return NoRun(tx, workflow_id, run_id);
    found = run->run_id;
    return {};
  }));
  return found;
}

}  // namespace vora::workflow
