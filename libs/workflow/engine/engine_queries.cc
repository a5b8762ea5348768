#include <algorithm>
#include <charconv>
#include <limits>

#include "libs/core/error.h"
#include "libs/workflow/core/group_rules.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/engine/run_views_internal.h"
#include "libs/workflow/store/run_repo_internal.h"
#include "libs/workflow/store/task_repo_internal.h"

namespace vora::workflow {
namespace {

constexpr int kMaxAttempts = 1000;
constexpr int kMaxRunIds = 500;
// The pending activities want their part of gRPC's 4 MiB.
constexpr size_t kMaxAttemptBytes = 1 << 20;
constexpr size_t kAttemptBytes = 300;

v1::PendingActivity ToPendingActivity(const TaskRow& task) {
  v1::PendingActivity pending;
  pending.set_scheduled_event_id(task.scheduled_event_id);
  pending.set_activity_type(task.activity_type);
  pending.set_activity_id(task.activity_id);
  pending.set_queue(task.queue);
  pending.set_attempt(task.attempt);
  pending.set_progress(task.progress);
  pending.set_worker_id(task.worker_id);
  if (task.cancel_requested) {
    pending.set_state(v1::PENDING_ACTIVITY_STATE_CANCEL_REQUESTED);
  } else {
    pending.set_state(task.started ? v1::PENDING_ACTIVITY_STATE_STARTED : v1::PENDING_ACTIVITY_STATE_SCHEDULED);
  }
  if (!task.last_failure.empty()) *pending.mutable_last_failure() = ParseFailure(task.last_failure);
  SetTime(pending.mutable_scheduled_time(), task.scheduled_time_us);
  if (task.started_time_us) SetTime(pending.mutable_started_time(), *task.started_time_us);
  if (!task.started) SetTime(pending.mutable_next_attempt_time(), task.visible_at_us);
  return pending;
}

// An entry for each open item of a group.
void AddPending(const TaskRow& task, v1::DescribeWorkflowResponse& response) {
  v1::PendingActivity whole = ToPendingActivity(task);
  if (task.has_second()) {
    auto* second = whole.mutable_second_attempt();
    second->set_worker_id(task.second->worker_id);
    SetTime(second->mutable_started_time(), task.second->started_time_us);
    second->set_progress(task.second->progress);
  }
  if (task.items.empty()) {
    *response.add_pending_activities() = whole;
    return;
  }
  const auto parse = [](const std::string& text) { return text.empty() ? nlohmann::json::object() : nlohmann::json::parse(text); };
  const auto progress = parse(task.item_progress);
  const auto progress_of_second = parse(task.has_second() ? task.second->item_progress : "");
  for (const auto& item : task.items) {
    auto* pending = response.add_pending_activities();
    *pending = whole;
    pending->set_activity_id(ItemActivityId(item.name, task.activity_id));
    pending->set_attempt(AttemptOf(task, item));
    pending->set_progress(progress.value(item.name, 0.0));
    if (task.has_second()) pending->mutable_second_attempt()->set_progress(progress_of_second.value(item.name, 0.0));
    if (!item.last_failure.empty()) *pending->mutable_last_failure() = ParseFailure(item.last_failure);
  }
}

int PageSize(int asked, int usual, int most) { return asked <= 0 ? usual : std::min(asked, most); }

}  // namespace

StatusOr<v1::DescribeWorkflowResponse> Engine::Describe(const v1::DescribeWorkflowRequest& request) {
  VORA_RETURN_IF_ERROR(CheckRunIds(request.workflow_id(), request.run_id()));
  v1::DescribeWorkflowResponse response;
  const Status status = impl_->Read([&](pqxx::nontransaction& tx) -> Status {
    response.Clear();
    const auto run = repo::FindRun(tx, request.workflow_id(), request.run_id());
    if (!run) return impl_->NoRun(tx, request.workflow_id(), request.run_id());
    *response.mutable_info() = ToWorkflowInfo(*run);
    size_t bytes = 0;
    for (const auto& attempt : repo::LoadAttempts(tx, run->run_id, kMaxAttempts)) {
      bytes += attempt.failure.size() + kAttemptBytes;
      if (bytes > kMaxAttemptBytes) break;
      *response.add_failed_attempts() = ToFailedAttempt(attempt);
    }
    // Two statements without a transaction: a run that closes between them shows no activities, as its tasks are deleted with the close.
    if (!run->running()) return {};
    for (const auto& task : repo::TasksOfRun(tx, run->run_id)) AddPending(task, response);
    return {};
  });
  if (!status.ok()) return status;
  return response;
}

StatusOr<std::vector<StatusOr<v1::WorkflowInfo>>> Engine::FindRuns(const std::vector<std::pair<std::string, std::string>>& asked) {
  std::vector<Status> checks;
  std::vector<std::pair<std::string, std::string>> valid;
  for (const auto& one : asked) {
    checks.push_back(CheckRunIds(one.first, one.second));
    if (checks.back().ok()) valid.push_back(one);
  }
  return impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<StatusOr<v1::WorkflowInfo>>> {
    const auto runs = repo::FindRuns(tx, valid);
    auto next = runs.begin();
    std::vector<StatusOr<v1::WorkflowInfo>> answers;
    for (size_t i = 0; i < asked.size(); ++i) {
      if (!checks[i].ok()) {
        answers.emplace_back(checks[i]);
      } else if (const auto& run = *next++; run) {
        answers.emplace_back(ToWorkflowInfo(*run));
      } else {
        answers.emplace_back(impl_->NoRun(tx, asked[i].first, asked[i].second));
      }
    }
    return answers;
  });
}

StatusOr<v1::ListWorkflowsResponse> Engine::List(const v1::ListWorkflowsRequest& request) {
  const int page = PageSize(request.page_size(), 50, 500);
  int64_t before = std::numeric_limits<int64_t>::max();
  const std::string& token = request.page_token();
  if (!token.empty()) {
    const auto [ptr, error] = std::from_chars(token.data(), token.data() + token.size(), before);
    if (error != std::errc() || ptr != token.data() + token.size()) return InvalidField("page_token", "not one of ours");
  }
  std::string wanted;
  if (request.status() != v1::WORKFLOW_STATUS_UNSPECIFIED) {
    constexpr size_t kPrefix = sizeof("WORKFLOW_STATUS_") - 1;
    if (!v1::WorkflowStatus_IsValid(request.status())) return InvalidField("status", "unknown");
    wanted = v1::WorkflowStatus_Name(request.status()).substr(kPrefix);
  }
  VORA_RETURN_IF_ERROR(CheckPayload("type", request.type()));
  const std::vector<std::string> run_ids(request.run_ids().begin(), request.run_ids().end());
  if (run_ids.size() > kMaxRunIds) {
    return InvalidField("run_ids", std::to_string(run_ids.size()) + " are more than the limit of " + std::to_string(kMaxRunIds));
  }
  for (const auto& run_id : run_ids) VORA_RETURN_IF_ERROR(CheckPayload("run_ids", run_id));
  v1::ListWorkflowsResponse response;
  const Status status = impl_->Read([&](pqxx::nontransaction& tx) -> Status {
    response.Clear();
    if (!run_ids.empty()) {
      for (const auto& run : repo::RunsOfIds(tx, run_ids, wanted, request.type())) *response.add_workflows() = ToWorkflowInfo(run);
      return {};
    }
    // One more than asked for tells whether there is a next page, without a count.
    const auto runs = repo::ListRuns(tx, before, page + 1, wanted, request.type());
    for (size_t i = 0; i < runs.size() && i < static_cast<size_t>(page); ++i) *response.add_workflows() = ToWorkflowInfo(runs[i]);
    if (runs.size() > static_cast<size_t>(page)) response.set_next_page_token(std::to_string(runs[static_cast<size_t>(page) - 1].seq));
    return {};
  });
  if (!status.ok()) return status;
  return response;
}

StatusOr<v1::GetHistoryResponse> Engine::GetHistory(const v1::GetHistoryRequest& request) {
  constexpr size_t kMaxBytes = 3 << 20;  // below gRPC's 4 MiB
  const int page = PageSize(request.page_size(), 200, 1000);
  VORA_ASSIGN_OR_RETURN(const auto run_id, impl_->ResolveRun(request.workflow_id(), request.run_id()));
  v1::GetHistoryResponse response;
  const Status status = impl_->Read([&](pqxx::nontransaction& tx) -> Status {
    response.Clear();
    response.set_run_id(run_id);
    size_t bytes = 0;
    for (const auto& event : repo::LoadHistory(tx, run_id, request.after_event_id(), page + 1, /*inputs=*/true)) {
      std::string attributes = event.attributes.dump();
      bytes += attributes.size();
      // At least one event always fits: payloads have 1 MiB at most. Without that a client would ask for the same page for ever.
      if (response.events_size() == page || (bytes > kMaxBytes && response.events_size() > 0)) {
        response.set_more(true);
        break;
      }
      auto* out = response.add_events();
      out->set_event_id(event.id);
      out->set_type(event.type);
      SetTime(out->mutable_time(), event.time_us);
      out->set_attributes(std::move(attributes));
    }
    return {};
  });
  if (!status.ok()) return status;
  return response;
}

}  // namespace vora::workflow
