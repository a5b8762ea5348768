#include "libs/core/error.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/definition/retry_policy.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/store/claim_repo_internal.h"

namespace vora::workflow {
namespace {

constexpr int64_t kMostRetryDelayUs = int64_t{24} * 3600 * 1'000'000;

Status CheckFailure(const v1::Failure& failure) {
  VORA_RETURN_IF_ERROR(CheckPayload("failure.code", failure.code()));
  VORA_RETURN_IF_ERROR(CheckPayload("failure.message", failure.message()));
  return CheckPayload("failure.details", failure.details());
}

// By name; none when the activity is no group.
StatusOr<std::map<std::string, v1::ItemOutcome>> OutcomesOf(const v1::CompleteActivityRequest& request) {
  if (request.items_size() > 0 && !request.result().empty()) return InvalidField("result", "must be empty when there are items");
  VORA_RETURN_IF_ERROR(CheckPayload("checkpoint", request.checkpoint()));
  std::map<std::string, v1::ItemOutcome> outcomes;
  size_t bytes = 0;
  for (const auto& item : request.items()) {
    VORA_RETURN_IF_ERROR(CheckPayload("items.name", item.name()));
    VORA_RETURN_IF_ERROR(CheckPayload("items.result", item.result()));
    VORA_RETURN_IF_ERROR(CheckFailure(item.failure()));
    bytes += item.result().size();
    const auto [outcome, first] = outcomes.emplace(item.name(), item);
    if (!first) return InvalidField("items.name", "\"" + item.name() + "\" comes twice");
    if (request.more() && !item.has_result()) return InvalidField("items.outcome", "must be a result while there is more");
    if (item.has_failure() && item.failure().code().empty()) outcome->second.mutable_failure()->set_code("unknown");
  }
  if (request.more() && outcomes.empty()) return InvalidField("items", "must not be empty while there is more");
  if (bytes > kMaxPayloadBytes) return InvalidField("items.result", "must have at most 1 MiB together");
  return outcomes;
}

Status CheckNext(const v1::CompleteActivityRequest& request) {
  if (!request.has_next()) return {};
  if (request.more()) return InvalidField("next", "must be absent while there is more");
  if (request.next().max_tasks() != 1) return InvalidField("next.max_tasks", "must be 1");
  return Engine::CheckPoll(request.next(), "next.");
}

StatusOr<RunOp> CompletionOf(const v1::CompleteActivityRequest& request) {
  VORA_ASSIGN_OR_RETURN(const auto token, TaskToken::Decode(request.task_token()));
  VORA_RETURN_IF_ERROR(CheckPayload("result", request.result()));
  VORA_ASSIGN_OR_RETURN(auto outcomes, OutcomesOf(request));
  VORA_RETURN_IF_ERROR(CheckNext(request));
  RunOp op{token.run_id, {token.event_id}, [&request, token, outcomes = std::move(outcomes)](RunUnit& unit) {
             return outcomes.empty() ? CompleteTask(unit, token, request.result())
                                     : CompleteItems(unit, token, outcomes, request.checkpoint(), request.more());
           }};
  if (request.has_next()) {
    op.room = std::make_shared<Room>();
    op.room->poll = request.next();
  }
  return op;
}

struct Failing {
  RunOp op;
  std::shared_ptr<bool> will_retry = std::make_shared<bool>(false);  // once it is carried out
};

StatusOr<Failing> FailingOf(const v1::FailActivityRequest& request) {
  VORA_ASSIGN_OR_RETURN(const auto token, TaskToken::Decode(request.task_token()));
  VORA_RETURN_IF_ERROR(CheckFailure(request.failure()));
  v1::Failure failure = request.failure();
  if (failure.code().empty()) failure.set_code("unknown");
  std::optional<int64_t> delay_us;
  if (request.has_next_retry_delay()) delay_us = ToMicros(request.next_retry_delay());
  if (delay_us.value_or(0) > kMostRetryDelayUs) return InvalidField("next_retry_delay", "must be at most a day");
  Failing failing;
  failing.op = {token.run_id,
                {token.event_id},
                [token, failure, delay_us, canceled = request.canceled(), will_retry = failing.will_retry](RunUnit& unit) -> Status {
                  VORA_ASSIGN_OR_RETURN(*will_retry, FailTask(unit, token, failure, canceled, delay_us));
                  return {};
                }};
  return failing;
}

}  // namespace

StatusOr<bool> Engine::Heartbeat(const v1::HeartbeatActivityRequest& request) {
  VORA_ASSIGN_OR_RETURN(const auto token, TaskToken::Decode(request.task_token()));
  VORA_RETURN_IF_ERROR(CheckPayload("checkpoint", request.checkpoint()));
  if (!(request.progress() >= 0 && request.progress() <= 1)) return InvalidField("progress", "must be 0 to 1");
  bool cancel_requested = false;
  const Status status = impl_->Write([&](pqxx::work& tx) -> Status {
    // No lock of the run: heartbeats are frequent, and must not queue up for it among transitions.
    const auto row = repo::Heartbeat(tx, token.key(), token.lease, request.checkpoint(), request.progress());
    if (!row) return StaleToken(token);
    cancel_requested = row->cancel_requested;
    return {};
  });
  if (!status.ok()) return status;
  return cancel_requested;
}

void Engine::Complete(const v1::CompleteActivityRequest& request, Done<StatusOr<v1::CompleteActivityResponse>> done) {
  auto op = CompletionOf(request);
  if (!op.ok()) return done(op.status());
  const std::shared_ptr<Room> room = op->room;
  impl_->executor.Run(*std::move(op), [room, done = std::move(done)](const Status& status) {
    if (!status.ok()) return done(status);
    v1::CompleteActivityResponse response;
    if (room && room->task) *response.mutable_next() = std::move(*room->task);
    done(std::move(response));
  });
}

Status Engine::Complete(const v1::CompleteActivityRequest& request) {
  VORA_ASSIGN_OR_RETURN(RunOp op, CompletionOf(request));
  return impl_->executor.Run(std::move(op));
}

void Engine::Fail(const v1::FailActivityRequest& request, Done<StatusOr<bool>> done) {
  auto failing = FailingOf(request);
  if (!failing.ok()) return done(failing.status());
  impl_->executor.Run(std::move(failing->op), [done = std::move(done), will_retry = failing->will_retry](const Status& status) {
    done(status.ok() ? StatusOr<bool>(*will_retry) : status);
  });
}

StatusOr<bool> Engine::Fail(const v1::FailActivityRequest& request) {
  VORA_ASSIGN_OR_RETURN(Failing failing, FailingOf(request));
  VORA_RETURN_IF_ERROR(impl_->executor.Run(std::move(failing.op)));
  return *failing.will_retry;
}

Status Engine::Release(const v1::ReleaseActivityRequest& request) {
  VORA_ASSIGN_OR_RETURN(const auto token, TaskToken::Decode(request.task_token()));
  VORA_RETURN_IF_ERROR(CheckPayload("checkpoint", request.checkpoint()));
  const auto apply = [&](RunUnit& unit) { return ReleaseTask(unit, token, request.checkpoint()); };
  return impl_->executor.Run({token.run_id, {token.event_id}, apply});
}

}  // namespace vora::workflow
