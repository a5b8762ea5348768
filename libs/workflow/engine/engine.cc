#include "libs/workflow/engine/engine.h"

#include <charconv>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/log/log.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/engine/engine_spans_internal.h"
#include "libs/workflow/metrics.h"

namespace vora::workflow {

std::string TaskToken::Encode() const { return run_id + "." + std::to_string(event_id) + "." + std::to_string(lease); }

StatusOr<TaskToken> TaskToken::Decode(const std::string& text) {
  TaskToken token;
  const size_t second = text.rfind('.');
  const size_t first = second == std::string::npos || second == 0 ? std::string::npos : text.rfind('.', second - 1);
  if (first != std::string::npos) {
    token.run_id = text.substr(0, first);
    const auto number = [&](size_t begin, size_t end, int64_t& value) {
      const auto [ptr, error] = std::from_chars(text.data() + begin, text.data() + end, value);
      return error == std::errc() && ptr == text.data() + end;
    };
    if (number(first + 1, second, token.event_id) && number(second + 1, text.size(), token.lease)) return token;
  }
  return InvalidField("task_token", "not a token of this orchestrator");
}

Status StaleToken(const TaskToken& token) {
  return Aborted("task_token is stale: activity " + std::to_string(token.event_id) + " of run " + token.run_id +
                 " was given to another attempt, or has ended");
}

nlohmann::json EndAttributes(const repo::TaskRow& task) {
  nlohmann::json json{{"scheduled_event_id", task.scheduled_event_id},
                      {"activity_type", task.activity_type},
                      {"activity_id", task.activity_id},
                      {"attempt", task.attempt},
                      {"lease", task.lease}};
  if (!task.worker_id.empty()) json["worker_id"] = task.worker_id;
  if (task.started_time_us) json["started_time_us"] = *task.started_time_us;
  return json;
}

Engine::Impl::Impl(pg::Database& d, const Registry& r, WakeSink& w, obs::Metrics& m, const EngineOptions& options)
    : db(d),
      registry(r),
      wake(w),
      metrics(m),
      cache(options.cached_runs),
      transitions(kTransitions.In(m)),
      parked_transitions(kParkedTransitions.In(m)) {}

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

Status Engine::Impl::Transact(const std::string& run_id, const Decide& decide) {
  return TransactOn(
      [&](pqxx::work& tx) -> StatusOr<std::optional<repo::RunRow>> {
        auto run = repo::LockRun(tx, run_id);
        if (!run) return NotFound("no workflow run " + run_id);
        return run;
      },
      decide);
}

Status Engine::Impl::TransactOn(const std::function<StatusOr<std::optional<repo::RunRow>>(pqxx::work& tx)>& find, const Decide& decide) {
  Effects effects;
  std::string run_id, workflow_id;
  repo::RunRow moved;
  bool advanced = false;
  const auto begin = std::chrono::system_clock::now();
  // The body may run more than once (a serialisation failure, a deadlock): what it leaves outside is set anew each time.
  const Status status = Write([&](pqxx::work& tx) -> Status {
    effects = {};
    advanced = false;
    VORA_ASSIGN_OR_RETURN(auto run, find(tx));
    if (!run) return {};
    run_id = run->run_id;
    workflow_id = run->workflow_id;
    VORA_ASSIGN_OR_RETURN(auto input, decide(tx, *run, effects));
    if (!input) return {};
    advanced = true;
    VORA_RETURN_IF_ERROR(Transition(tx, *run, registry, cache, effects).Run(std::move(*input)));
    moved = std::move(*run);
    return {};
  });
  if (!effects.parked.empty() && !status.ok()) {
    // It may quote an exception of the definition; PostgreSQL refuses text that is not UTF-8.
    const std::string reason = RepairUtf8(effects.parked, 4096);
    parked_transitions.Increment();
    log::Error("workflow is parked", {{"workflow_id", workflow_id}, {"run_id", run_id}, {"reason", reason}});
    // In a transaction of its own, as the transition's was rolled back. Code of another version may have moved the run on in between: its
    // next transition, or RetryParked, takes the mark off again.
    const Status marked = Write([&](pqxx::work& tx) -> Status {
      if (repo::LockRun(tx, run_id)) repo::MarkParked(tx, run_id, reason);
      return {};
    });
    return marked.ok() ? FailedPrecondition("the workflow is parked: " + reason) : marked;
  }
  if (!status.ok()) return status;
  if (advanced) {
    transitions.Increment();
    RecordTransitionSpan(moved, begin);
  }
  if (effects.closed) {
    NoteClosed(moved);
    RecordRunSpan(moved);
  }
  // Only now: a replayer of a transition that was rolled back has seen events that are in no history.
  if (effects.replayer) cache.Put(run_id, std::move(effects.replayer));
  // After the commit: a poller woken before it would not see the tasks, and go back to sleep.
  for (const auto& queue : effects.ready_queues) wake.QueueReady(queue);
  if (effects.closed) wake.RunClosed(run_id);
  return {};
}

StatusOr<std::string> Engine::Impl::ResolveRun(const std::string& workflow_id, const std::string& run_id) {
  if (workflow_id.empty()) return InvalidField("workflow_id", "must not be empty");
  std::string found;
  VORA_RETURN_IF_ERROR(Read([&](pqxx::nontransaction& tx) -> Status {
    const auto run = repo::FindRun(tx, workflow_id, run_id);
    if (!run) return NotFound("no workflow " + workflow_id + (run_id.empty() ? "" : " with run " + run_id));
    found = run->run_id;
    return {};
  }));
  return found;
}

}  // namespace vora::workflow
