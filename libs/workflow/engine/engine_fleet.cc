#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/engine/run_views_internal.h"
#include "libs/workflow/store/fleet_repo_internal.h"
#include "libs/workflow/store/settings_repo_internal.h"

namespace vora::workflow {
namespace {

constexpr size_t kMaxWorkerName = 200;
constexpr int kMaxHeldTasks = 1000;
// From the last report that was stored to the end of a worker's lease: three reports, of which two may be lost. The next look takes its
// tasks back, so a worker's death is seen within three seconds.
constexpr int64_t kWorkerLeaseUs = 2'200'000;
// An answer with tasks is on its way for no longer. A task that its worker does not name by then was lost with the answer.
constexpr int64_t kOnItsWayUs = 3'000'000;

Status CheckWorkerName(const std::string& field, const std::string& name) {
  if (name.empty() || name.size() > kMaxWorkerName) {
    return InvalidField(field, "must have 1 to " + std::to_string(kMaxWorkerName) + " characters");
  }
  return CheckPayload(field, name);
}

Status CheckProgress(const std::string& field, double progress) {
  return progress >= 0 && progress <= 1 ? Status() : InvalidField(field, "must be 0 to 1");
}

// Hundredths are enough for people.
std::string ItemProgressToJson(const v1::HeldTask& task) {
  if (task.items().empty()) return "";
  auto json = nlohmann::json::object();
  for (const auto& item : task.items()) json[item.name()] = std::round(item.progress() * 100) / 100;
  return json.dump();
}

repo::WorkerRow ToWorkerRow(const std::string& worker_id, const std::string& queue, const v1::WorkerStatus& status) {
  repo::WorkerRow worker;
  worker.worker_id = worker_id;
  worker.queue = queue;
  worker.slots = std::max(status.slots(), 0);
  worker.running = std::max(status.running(), 0);
  const double speed = status.encode_speed();
  worker.encode_speed = std::isfinite(speed) ? std::max(speed, 0.0) : 0;
  worker.version = RepairUtf8(status.version().substr(0, kMaxWorkerName), kMaxWorkerName);
  return worker;
}

repo::Renewal ToRenewal(const std::vector<v1::RenewWorkerRequest>& reports, const std::vector<std::string>& gone) {
  repo::Renewal renewal;
  renewal.gone = gone;
  for (const auto& report : reports) {
    renewal.workers.push_back(ToWorkerRow(report.worker_id(), report.queue(), report.status()));
    for (const auto& task : report.tasks()) {
      const auto token = TaskToken::Decode(task.task_token());
      if (token.ok()) {
        renewal.tasks.push_back({token->key(), token->lease, task.progress(), task.checkpoint(), ItemProgressToJson(task)});
      }
    }
  }
  return renewal;
}

std::string TokenOf(const repo::HeldTask& task) { return TaskToken{task.run_id, task.scheduled_event_id, task.lease}.Encode(); }

}  // namespace

Status Engine::CheckWorker(const std::string& worker_id, const std::string& within) {
  return CheckWorkerName(within + "worker_id", worker_id);
}

Status Engine::CheckRenewal(const v1::RenewWorkerRequest& request) {
  VORA_RETURN_IF_ERROR(CheckWorkerName("worker_id", request.worker_id()));
  VORA_RETURN_IF_ERROR(CheckWorkerName("queue", request.queue()));
  if (request.tasks_size() > kMaxHeldTasks) return InvalidField("tasks", "must be at most " + std::to_string(kMaxHeldTasks));
  for (const auto& task : request.tasks()) {
    VORA_RETURN_IF_ERROR(TaskToken::Decode(task.task_token()).status());
    VORA_RETURN_IF_ERROR(CheckPayload("tasks.checkpoint", task.checkpoint()));
    VORA_RETURN_IF_ERROR(CheckProgress("tasks.progress", task.progress()));
    if (task.items_size() > kMaxItems) return InvalidField("tasks.items", "must be at most " + std::to_string(kMaxItems));
    for (const auto& item : task.items()) {
      VORA_RETURN_IF_ERROR(CheckPayload("tasks.items.name", item.name()));
      VORA_RETURN_IF_ERROR(CheckProgress("tasks.items.progress", item.progress()));
    }
  }
  return {};
}

StatusOr<Renewals> Engine::RenewWorkers(const std::vector<v1::RenewWorkerRequest>& reports, const std::vector<std::string>& gone) {
  const repo::Renewal renewal = ToRenewal(reports, gone);
  VORA_ASSIGN_OR_RETURN(const auto renewed, impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<repo::Renewed> {
    return repo::RenewLeases(tx, renewal, kWorkerLeaseUs);
  }));
  Renewals renewals;
  auto& answers = renewals.answers;
  std::map<std::string, std::set<std::string>> named;  // tokens by worker
  for (const auto& report : reports) {
    answers[report.worker_id()];
    for (const auto& task : report.tasks()) named[report.worker_id()].insert(task.task_token());
  }
  std::set<std::string> stored;
  for (const auto& task : renewed.stored) stored.insert(TaskToken{task.key.run_id, task.key.event_id, task.lease}.Encode());
  for (const auto& held : renewed.held) {
    const std::string token = TokenOf(held);
    const bool known = !held.lapsed && named[held.worker_id].erase(token) > 0;
    if (known && stored.contains(token)) answers[held.worker_id].add_stored(token);
    if (known && held.cancel_requested) answers[held.worker_id].mutable_orders()->add_cancel(token);
    if (known && held.release_requested) answers[held.worker_id].mutable_orders()->add_release(token);
    if (known || (!held.lapsed && held.held_us < kOnItsWayUs)) continue;
    renewals.lost.push_back({token, held.lapsed ? "the worker went silent" : "the worker does not have it any more"});
  }
  // What is left of the names is not the worker's in the database.
  for (const auto& [worker, tokens] : named) {
    if (!answers.contains(worker)) continue;
    for (const auto& token : tokens) answers[worker].mutable_orders()->add_stale(token);
  }
  return renewals;
}

void Engine::TakeBack(const std::vector<LostTask>& lost) {
  std::vector<RunOp> ops;
  for (const auto& task : lost) {
    const auto token = TaskToken::Decode(task.task_token);
    if (!token.ok()) continue;
    ops.push_back({token->run_id, {token->event_id}, [token = *token, reason = task.reason](RunUnit& unit) -> Status {
                     LoseTask(unit, token, reason);
                     return {};
                   }});
  }
  (void)impl_->executor.RunSoon(std::move(ops));
}

// Its own releases came before: what is left are tasks of an answer that never arrived.
Status Engine::Forget(const std::string& worker_id) {
  std::vector<repo::HeldTask> held;
  VORA_RETURN_IF_ERROR(impl_->Write([&](pqxx::work& tx) -> Status {
    repo::DeleteWorker(tx, worker_id);
    held = repo::TasksHeldBy(tx, worker_id);
    return {};
  }));
  std::vector<RunOp> ops;
  for (const auto& task : held) {
    const TaskToken token{task.run_id, task.scheduled_event_id, task.lease};
    ops.push_back({task.run_id, {task.scheduled_event_id}, [token](RunUnit& unit) -> Status {
                     ReturnTask(unit, token);
                     return {};
                   }});
  }
  for (const Status& status : impl_->executor.RunAll(ops)) {
    if (!status.ok() && status.code() != StatusCode::kNotFound) return status;
  }
  return {};
}

Status Engine::ReportWorker(const v1::ReportWorkerRequest& request) {
  VORA_RETURN_IF_ERROR(CheckWorkerName("worker_id", request.worker_id()));
  if (request.leaving()) return Forget(request.worker_id());
  VORA_RETURN_IF_ERROR(CheckWorkerName("queue", request.queue()));
  const repo::WorkerRow worker = ToWorkerRow(request.worker_id(), request.queue(), request.status());
  return impl_->Write([&](pqxx::work& tx) -> Status {
    repo::SaveWorker(tx, worker);
    return {};
  });
}

StatusOr<v1::DescribeQueuesResponse> Engine::DescribeQueues() {
  VORA_ASSIGN_OR_RETURN(const auto queues, impl_->ReadQueues());
  return impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<v1::DescribeQueuesResponse> {
    v1::DescribeQueuesResponse response;
    std::map<std::string, v1::QueueSettings> settings;
    for (auto& set : repo::ReadQueueSettings(tx, "")) settings[set.queue()] = std::move(set);
    for (const auto& row : queues) {
      auto* queue = response.add_queues();
      queue->set_name(row.name);
      queue->set_ready(row.ready);
      queue->set_delayed(row.delayed);
      queue->set_running(row.running);
      queue->set_oldest_ready_seconds(row.oldest_ready_seconds);
      queue->set_estimated_cost(row.estimated_cost);
      queue->set_running_cost(row.running_cost);
      queue->set_held(row.held);
      *queue->mutable_settings() = settings[row.name];
      queue->mutable_settings()->set_queue(row.name);
    }
    for (const auto& row : repo::ReadWorkers(tx)) {
      auto* worker = response.add_workers();
      worker->set_worker_id(row.worker_id);
      worker->set_queue(row.queue);
      worker->mutable_status()->set_slots(row.slots);
      worker->mutable_status()->set_running(row.running);
      worker->mutable_status()->set_encode_speed(row.encode_speed);
      worker->mutable_status()->set_version(row.version);
      SetTime(worker->mutable_last_seen(), row.last_seen_us);
      for (const auto& activity : row.activities) worker->add_activities(activity);
    }
    return response;
  });
}

}  // namespace vora::workflow
