#include "services/metadata/processing/outbox_relay.h"

#include <algorithm>
#include <string>
#include <utility>

#include "libs/log/log.h"
#include "libs/obs/span.h"
#include "libs/run/retry.h"
#include "libs/workflow/definition/payload.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;
constexpr std::chrono::milliseconds kStillOpen{300};
constexpr std::chrono::milliseconds kRounding{5};

RetryOptions Backoff() { return {.max_attempts = 0, .initial = std::chrono::milliseconds(200), .max = std::chrono::milliseconds(5000)}; }

// What no repetition can cure; the rows behind it, of which a delete may be one, must not wait for it for ever. ALREADY_EXISTS: a run of
// another request has closed under this id.
bool IsRefusal(const Status& status) {
  return status.code() == StatusCode::kInvalidArgument || status.code() == StatusCode::kAlreadyExists;
}

// The same definition by both names: what a run begins with is what operators look for.
std::string TypeOf(const OutboxRow& row) {
  wf::ProcessVideoInput input;
  return workflow::FromPayload(row.payload, input).ok() && input.has_import() ? "ImportVideo" : "ProcessVideo";
}

// Objects of a deleted video cost money, and somebody wants them gone: ahead of all work, in hours.
constexpr int kDeletePriority = 1000;

}  // namespace

OutboxRelay::OutboxRelay(OutboxRepo& outbox, OrchestratorClient& orchestrator, OutboxRelayOptions options)
    : outbox_(outbox), orchestrator_(orchestrator), options_(options), thread_("outbox", [this] { return Step(); }) {}

std::chrono::milliseconds OutboxRelay::Step() {
  const auto row = outbox_.Claim(options_.lease);
  if (!row.ok()) return options_.poll;
  if (!row->has_value()) {
    const auto due = std::exchange(next_due_, std::chrono::steady_clock::time_point::max());
    if (due == std::chrono::steady_clock::time_point::max()) return options_.poll;
    // The database counts a delay from a moment that is a little later than ours, so without this the loop would look too early and find
    // nothing.
    const auto wait = std::chrono::duration_cast<std::chrono::milliseconds>(due - std::chrono::steady_clock::now()) + kRounding;
    return std::clamp(wait, kRounding, options_.poll);
  }
  obs::Span span("outbox " + (*row)->kind, obs::SpanKind::kProducer, (*row)->traceparent);
  span.Set("vora.video.id", (*row)->video_id);
  span.Set("vora.attempt", std::to_string((*row)->attempts));
  const Status sent = Send(**row);
  span.Fail(sent);
  if (sent.ok()) return std::chrono::milliseconds(0);
  const auto delay = BackoffDelay(Backoff(), std::min((*row)->attempts, 10), sent);
  log::Warn("the orchestrator did not take an outbox row; it will be sent again", {{"kind", (*row)->kind},
                                                                                   {"video_id", (*row)->video_id},
                                                                                   {"attempts", (*row)->attempts},
                                                                                   {"error", ToText(sent)},
                                                                                   {"again_in_ms", static_cast<int64_t>(delay.count())}});
  // When this fails too, the lease runs out and the row is due again.
  (void)Postpone(**row, delay, ToText(sent));
  return std::chrono::milliseconds(0);
}

Status OutboxRelay::Postpone(const OutboxRow& row, std::chrono::milliseconds delay, const std::string& why) {
  next_due_ = std::min(next_due_, std::chrono::steady_clock::now() + delay);
  return outbox_.Postpone(row, delay, why);
}

Status OutboxRelay::Send(const OutboxRow& row) {
  if (row.kind == "start") return SendStart(row);
  if (row.kind == "cancel") return SendCancel(row);
  return SendDelete(row);
}

Status OutboxRelay::SendStart(const OutboxRow& row) {
  wf::StartWorkflowRequest request;
  request.set_workflow_id(WorkflowOf(row.video_id));
  request.set_type(TypeOf(row));
  request.set_input(row.payload);
  request.set_tenant(row.tenant);
  request.set_reuse_policy(row.run_number > 1 ? wf::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE
                                              : wf::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE);
  request.set_traceparent(obs::CurrentTrace().ToTraceparent());
  // The same for every try of this row: a start whose answer was lost is answered with the run that it made.
  request.set_request_id(row.request_id);
  request.set_priority(row.priority);
  const auto started = orchestrator_.Start(request);
  if (IsRefusal(started.status())) return outbox_.RefuseStart(row, "workflow.refused", Message(started.status()));
  VORA_RETURN_IF_ERROR(started.status());
  // The run that this one follows is still closing: to be given its id means not to be started.
  if (!started->started() && !row.last_run_id.empty() && started->run_id() == row.last_run_id) {
    if (row.age < options_.drain_limit) return Postpone(row, kStillOpen, "the run before is still open");
    VORA_RETURN_IF_ERROR(orchestrator_.Terminate(request.workflow_id(), "the video was retried"));
    return Postpone(row, kStillOpen, "the run before was ended");
  }
  // Whoever changed it while the start was on its way found no run to tell.
  VORA_ASSIGN_OR_RETURN(const auto priority, outbox_.PriorityOf(row.video_id));
  if (priority && *priority != row.priority) VORA_RETURN_IF_ERROR(orchestrator_.SetVideoPriority(row.video_id, *priority));
  log::Info("workflow started", {{"video_id", row.video_id}, {"run_id", started->run_id()}, {"run_number", row.run_number}});
  return outbox_.FinishStart(row, started->run_id());
}

Status OutboxRelay::SendCancel(const OutboxRow& row) {
  const std::string video_workflow = WorkflowOf(row.video_id);
  // Cancel is asked for by the workflow's id, so it reaches whichever run is the newest; NOT_FOUND means that there is nothing to end.
  const Status cancelled = orchestrator_.Cancel(video_workflow, "cancelled by request");
  if (!cancelled.ok() && cancelled.code() != StatusCode::kNotFound) return cancelled;
  if (cancelled.ok()) VORA_RETURN_IF_ERROR(EndParked(video_workflow));
  return outbox_.Finish(row);
}

// A run that is parked keeps the cancel until better code comes; it is ended from outside, so that the video can be retried or deleted.
Status OutboxRelay::EndParked(const std::string& workflow_id) {
  const auto described = orchestrator_.Describe(workflow_id, "");
  if (described.status().code() == StatusCode::kNotFound) return absl::OkStatus();
  VORA_RETURN_IF_ERROR(described.status());
  if (described->info().status() != wf::WORKFLOW_STATUS_RUNNING || described->info().stuck_reason().empty()) return absl::OkStatus();
  return orchestrator_.Terminate(workflow_id, "cancelled while it was parked");
}

Status OutboxRelay::SendDelete(const OutboxRow& row) {
  const std::string video_workflow = WorkflowOf(row.video_id);
  const auto described = orchestrator_.Describe(video_workflow, "");
  if (described.ok() && described->info().status() == wf::WORKFLOW_STATUS_RUNNING) {
    // Its activities may still write objects: let it wind up first, but not for ever.
    if (row.age < options_.drain_limit) return Postpone(row, kStillOpen, "the video's workflow is still winding up");
    VORA_RETURN_IF_ERROR(orchestrator_.Terminate(video_workflow, "the video was deleted"));
  } else if (!described.ok() && described.status().code() != StatusCode::kNotFound) {
    return described.status();
  }
  wf::StartWorkflowRequest request;
  request.set_workflow_id("delete/" + row.video_id);
  request.set_type("DeleteVideo");
  request.set_input(row.payload);
  request.set_tenant(row.tenant);
  request.set_traceparent(obs::CurrentTrace().ToTraceparent());
  request.set_request_id(row.request_id);
  request.set_priority(kDeletePriority);
  const Status started = orchestrator_.Start(request).status();
  if (!started.ok() && started.code() != StatusCode::kAlreadyExists) return started;
  return outbox_.Finish(row);
}

}  // namespace vora::metadata
