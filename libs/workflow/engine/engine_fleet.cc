#include <algorithm>
#include <cmath>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/store/fleet_repo_internal.h"

namespace vora::workflow {
namespace {

constexpr size_t kMaxWorkerName = 200;

Status CheckName(const std::string& field, const std::string& name) {
  if (!name.empty() && name.size() <= kMaxWorkerName) return {};
  return InvalidField(field, "must have 1 to " + std::to_string(kMaxWorkerName) + " characters");
}

}  // namespace

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
  VORA_RETURN_IF_ERROR(CheckName("worker_id", request.worker_id()));
  if (request.leaving()) return Forget(request.worker_id());
  VORA_RETURN_IF_ERROR(CheckName("queue", request.queue()));
  repo::WorkerRow worker;
  worker.worker_id = request.worker_id();
  worker.queue = request.queue();
  worker.slots = std::max(request.status().slots(), 0);
  worker.running = std::max(request.status().running(), 0);
  const double speed = request.status().encode_speed();
  worker.encode_speed = std::isfinite(speed) ? std::max(speed, 0.0) : 0;
  worker.version = RepairUtf8(request.status().version().substr(0, kMaxWorkerName), kMaxWorkerName);
  return impl_->Write([&](pqxx::work& tx) -> Status {
    repo::SaveWorker(tx, worker);
    return {};
  });
}

StatusOr<v1::DescribeQueuesResponse> Engine::DescribeQueues() {
  return impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<v1::DescribeQueuesResponse> {
    v1::DescribeQueuesResponse response;
    for (const auto& row : repo::ReadQueues(tx)) {
      auto* queue = response.add_queues();
      queue->set_name(row.name);
      queue->set_ready(row.ready);
      queue->set_delayed(row.delayed);
      queue->set_running(row.running);
      queue->set_oldest_ready_seconds(row.oldest_ready_seconds);
      queue->set_estimated_cost(row.estimated_cost);
      queue->set_running_cost(row.running_cost);
    }
    for (const auto& row : repo::ReadWorkers(tx)) {
      auto* worker = response.add_workers();
      worker->set_worker_id(row.worker_id);
      worker->set_queue(row.queue);
      worker->mutable_status()->set_slots(row.slots);
      worker->mutable_status()->set_running(row.running);
      worker->mutable_status()->set_encode_speed(row.encode_speed);
      worker->mutable_status()->set_version(row.version);
      worker->mutable_last_seen()->set_seconds(row.last_seen_us / 1'000'000);
      worker->mutable_last_seen()->set_nanos(static_cast<int32_t>(row.last_seen_us % 1'000'000 * 1000));
      for (const auto& activity : row.activities) worker->add_activities(activity);
    }
    return response;
  });
}

}  // namespace vora::workflow
