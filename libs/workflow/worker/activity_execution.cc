#include <grpcpp/client_context.h>

#include <algorithm>
#include <cmath>

#include "libs/core/text.h"
#include "libs/log/log.h"
#include "libs/obs/span.h"
#include "libs/rpc/call.h"
#include "libs/run/retry.h"
#include "libs/workflow/definition/history.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/definition/retry_policy.h"
#include "libs/workflow/worker/activity_execution_internal.h"

namespace vora::workflow {
namespace {

using std::chrono::milliseconds;
// Short, since it is repeated by a new connection when the old one has gone silent.
constexpr milliseconds kCallTimeout{2500};
// A worker is gone within five seconds of SIGTERM (ADR 17): calls get shorter with what is left of them.
constexpr milliseconds kDrainCallTimeout{1500};
constexpr milliseconds kLastCallTimeout{300};
constexpr RetryOptions kReportRetry{.max_attempts = 0, .initial = milliseconds{100}, .max = milliseconds{2000}, .multiplier = 2.0};

// A token that is not current any more, or whose run is gone: nothing this worker reports will be taken.
bool IsStale(const Status& status) { return status.code() == StatusCode::kAborted || status.code() == StatusCode::kNotFound; }

}  // namespace

void DrainState::Wait(milliseconds at_most) {
  std::unique_lock lock(mutex);
  changed.wait_for(lock, at_most, [&] { return give_up.load(); });
}

ClaimedTask::ClaimedTask(const OrchestratorLink& link, ReportStream& reports, WorkerLease& lease, v1::ActivityTask task,
                         std::shared_ptr<DrainState> drain, Ended ended)
    : link_(link),
      reports_(reports),
      lease_(lease),
      task_(std::move(task)),
      trace_(obs::ContinueTrace(task_.traceparent())),
      drain_(std::move(drain)),
      ended_callback_(std::move(ended)),
      heartbeat_timeout_(ToMicros(task_.heartbeat_timeout()) / 1000),
      checkpoint_(task_.checkpoint()),
      stored_checkpoint_(task_.checkpoint()) {}

v1::Failure AbandonedFailure() { return MakeFailure("worker.abandoned", "the worker dropped the task without a report"); }

v1::Failure Presentable(v1::Failure failure) {
  failure.set_code(RepairUtf8(failure.code(), 200));
  failure.set_message(RepairUtf8(failure.message(), 4096));
  failure.set_details(RepairUtf8(failure.details(), 65536));
  return failure;
}

void ClaimedTask::Remember(double progress, std::string checkpoint, std::vector<v1::ItemProgress> items) {
  {
    const std::lock_guard lock(mutex_);
    items_ = std::move(items);
    if (std::isfinite(progress)) progress_ = std::clamp(progress, 0.0, 1.0);
    if (checkpoint.empty() || checkpoint == checkpoint_) return;
    // The report is that of all tasks: one that the orchestrator would refuse must not be in it.
    if (const Status fits = CheckPayload("checkpoint", checkpoint); !fits.ok()) {
      log::Warn("a checkpoint cannot be kept", {{"activity", task_.activity_id()}, {"error", ToText(fits)}});
      return;
    }
    checkpoint_ = std::move(checkpoint);
  }
  lease_.Wake();
}

StopCause ClaimedTask::stop_cause() const {
  // Who cannot reach the orchestrator must not go on for ever: by the time a new attempt has begun elsewhere, this one has ended.
  if (heartbeat_timeout_ > milliseconds{0} && !lease_lost_) {
    const auto good = std::max(claimed_steady_, lease_.last_good());
    if (std::chrono::steady_clock::now() - good > heartbeat_timeout_ && !lease_lost_.exchange(true)) {
      log::Warn("no answer from the orchestrator for as long as the lease lasts; the activity is given up",
                {{"activity", task_.activity_id()}, {"workflow_id", task_.workflow_id()}});
    }
  }
  // The strongest cause first: a lost lease makes every report pointless, a cancel makes a checkpoint pointless.
  if (lease_lost_) return StopCause::kLeaseLost;
  if (cancel_requested_) return StopCause::kCancelRequested;
  return drain_->draining || release_requested_ ? StopCause::kDraining : StopCause::kNone;
}

void ClaimedTask::AddTo(v1::RenewWorkerRequest& report, size_t& room) const {
  // One that was fenced off is not held any more, whatever the orchestrator may still think.
  if (reported_ || (lease_lost_ && !ended_)) return;
  auto* task = report.add_tasks();
  task->set_task_token(task_.task_token());
  const std::lock_guard lock(mutex_);
  task->set_progress(progress_);
  for (const auto& item : items_) *task->add_items() = item;
  if (checkpoint_ == stored_checkpoint_ || checkpoint_.size() > room) return;
  task->set_checkpoint(checkpoint_);
  room -= checkpoint_.size();
}

void ClaimedTask::Stored(const std::string& checkpoint) {
  const std::lock_guard lock(mutex_);
  if (!checkpoint.empty()) stored_checkpoint_ = checkpoint;
}

void ClaimedTask::Lose() {
  // Between a taken completion and the end of this object the token is stale by design.
  if (!ended_) lease_lost_ = true;
}

// The handler, its destructor and Stop may all report; the first one wins, and the others do nothing.
bool ClaimedTask::Claim() { return !ended_.exchange(true); }

void ClaimedTask::End(const char* result) {
  reported_ = true;
  RecordSpan(result);
  ended_callback_(task_.activity_type(), result);
}

void ClaimedTask::RecordSpan(const std::string& result) const {
  if (!obs::RecordsSpans(trace_)) return;
  obs::SpanRecord span;
  span.name = "activity " + task_.activity_type();
  span.kind = obs::SpanKind::kConsumer;
  span.context = trace_;
  span.parent_span_id = obs::SpanIdOf(task_.traceparent());
  span.start = claimed_at_;
  span.end = std::chrono::system_clock::now();
  span.failed = result == "failed" || result == "lost";
  if (span.failed) span.error = result;
  span.attributes = {{"vora.activity.id", task_.activity_id()},
                     {"vora.workflow.id", task_.workflow_id()},
                     {"vora.attempt", std::to_string(task_.attempt())},
                     {"vora.result", result}};
  obs::RecordSpan(std::move(span));
}

Status ClaimedTask::Report(const char* what, const std::function<Status()>& call) {
  for (int attempt = 1;; ++attempt) {
    if (lease_lost_) return Aborted("lease lost");
    const Status status = call();
    if (IsStale(status)) {
      lease_lost_ = true;
      log::Warn("the orchestrator has given the task away; the report is dropped",
                {{"report", what}, {"activity", task_.activity_id()}, {"workflow_id", task_.workflow_id()}, {"reason", Message(status)}});
      return status;
    }
    // Finished work is not thrown away because of an answer that may change (a parked run, a database in failover): the task's own timeouts
    // end the tries, since then the token is stale. Only what this report holds can be wrong for good.
    if (status.ok() || status.code() == StatusCode::kInvalidArgument || drain_->give_up) return status;
    if (attempt == 1 || attempt % 10 == 0) {
      log::Warn("report not taken, trying again",
                {{"report", what}, {"activity", task_.activity_id()}, {"attempt", attempt}, {"error", ToText(status)}});
    }
    drain_->Wait(BackoffDelay(kReportRetry, std::min(attempt, 10), status));
  }
}

StatusOr<v1::CompleteActivityResponse> ClaimedTask::CallComplete(v1::CompleteActivityRequest request) {
  StatusOr<v1::CompleteActivityResponse> response = Unavailable("not sent");
  VORA_RETURN_IF_ERROR(Report("complete", [&] {
    // Of one that is traced the trace shows the call.
    auto streamed = obs::RecordsSpans(trace_) ? std::nullopt : reports_.Complete(request, CallTimeout());
    response =
        streamed ? *std::move(streamed) : rpc::Call(*link_.stub(), &OrchestratorLink::Stub::CompleteActivity, request, CallTimeout());
    // A repetition may come late, and whatever the one before was given is lost.
    request.clear_next();
    return response.status();
  }));
  return response;
}

Status ClaimedTask::TellItems(const std::vector<v1::ItemOutcome>& outcomes) const {
  if (ended_ || lease_lost_) return Aborted("the attempt has ended");
  v1::CompleteActivityRequest request;
  request.set_task_token(task_.task_token());
  for (const auto& outcome : outcomes) *request.add_items() = outcome;
  request.set_more(true);
  return rpc::Call(*link_.stub(), &OrchestratorLink::Stub::CompleteActivity, request, CallTimeout()).status();
}

void ClaimedTask::CompleteItems(const std::vector<v1::ItemOutcome>& outcomes, std::string checkpoint) {
  if (!Claim()) return;
  v1::CompleteActivityRequest request;
  request.set_task_token(task_.task_token());
  for (const auto& outcome : outcomes) *request.add_items() = outcome;
  request.set_checkpoint(std::move(checkpoint));
  const bool all = std::all_of(outcomes.begin(), outcomes.end(), [](const auto& outcome) { return outcome.has_result(); });
  const Status status = CallComplete(request).status();
  End(!status.ok() ? "lost" : all ? "completed" : "failed");
}

std::optional<v1::ActivityTask> ClaimedTask::Complete(std::string result, std::optional<v1::PollActivitiesRequest> next) {
  if (!Claim()) return {};
  v1::CompleteActivityRequest request;
  request.set_task_token(task_.task_token());
  request.set_result(std::move(result));
  if (next) *request.mutable_next() = *std::move(next);
  // What is far too large would not even get there, again and again.
  const Status fits = CheckPayload("result", request.result());
  auto response = fits.ok() ? CallComplete(request) : fits;
  Status status = response.status();
  // The result itself is refused (too large, a NUL byte). Made again it would be the same, so that must end the activity, not another
  // attempt.
  if (status.code() == StatusCode::kInvalidArgument) {
    v1::Failure failure;
    failure.set_code("worker.invalid_result");
    failure.set_message(Message(status));
    failure.set_non_retryable(true);
    status = Report("fail", [&] { return CallFail(failure, false); });
  }
  End(status.ok() ? "completed" : "lost");
  if (!response.ok() || !response->has_next()) return {};
  return std::move(*response->mutable_next());
}

Status ClaimedTask::CallFail(const v1::Failure& failure, bool canceled) {
  v1::FailActivityRequest request;
  request.set_task_token(task_.task_token());
  *request.mutable_failure() = failure;
  request.set_canceled(canceled);
  return rpc::Call(*link_.stub(), &OrchestratorLink::Stub::FailActivity, request, CallTimeout()).status();
}

void ClaimedTask::Fail(v1::Failure failure) {
  if (!Claim()) return;
  failure = Presentable(std::move(failure));
  const Status status = Report("fail", [&] { return CallFail(failure, false); });
  End(status.ok() ? "failed" : "lost");
}

void ClaimedTask::Cancel() {
  if (!Claim()) return;
  v1::Failure failure;
  failure.set_code("canceled");
  failure.set_message("canceled by the workflow");
  const Status status = Report("cancel", [&] { return CallFail(failure, true); });
  End(status.ok() ? "canceled" : "lost");
}

void ClaimedTask::Release(std::string checkpoint) {
  if (!Claim()) return;
  v1::ReleaseActivityRequest request;
  request.set_task_token(task_.task_token());
  if (checkpoint.empty()) {
    std::lock_guard lock(mutex_);
    checkpoint = checkpoint_;
  }
  request.set_checkpoint(std::move(checkpoint));
  const Status status = Report(
      "release", [&] { return rpc::Call(*link_.stub(), &OrchestratorLink::Stub::ReleaseActivity, request, CallTimeout()).status(); });
  End(status.ok() ? "released" : "lost");
}

milliseconds ClaimedTask::CallTimeout() const {
  if (drain_->give_up) return kLastCallTimeout;
  return drain_->draining ? kDrainCallTimeout : kCallTimeout;
}

}  // namespace vora::workflow
