#include "services/metadata/processing/fleet_view.h"

#include <utility>

#include <grpc/health/v1/health.grpc.pb.h>

#include "libs/core/error.h"
#include "libs/rpc/client.h"
#include "libs/rpc/status.h"
#include "services/metadata/processing/orchestrator_client.h"

namespace vora::metadata {
namespace {

using std::chrono::steady_clock;
namespace health = grpc::health::v1;
constexpr std::chrono::milliseconds kPatience{1500};
constexpr std::chrono::seconds kFresh{1};

void AddWorkersAndQueues(const workflow::v1::DescribeQueuesResponse& from, v1::Fleet& fleet) {
  for (const auto& worker : from.workers()) {
    auto* out = fleet.add_workers();
    out->set_worker_id(worker.worker_id());
    out->set_queue(worker.queue());
    out->set_slots(worker.status().slots());
    out->set_running(worker.status().running());
    out->set_encode_speed(worker.status().encode_speed());
    out->set_version(worker.status().version());
    *out->mutable_last_seen() = worker.last_seen();
    *out->mutable_activities() = worker.activities();
  }
  for (const auto& queue : from.queues()) {
    auto* out = fleet.add_queues();
    out->set_name(queue.name());
    out->set_ready(queue.ready());
    out->set_delayed(queue.delayed());
    out->set_running(queue.running());
    out->set_oldest_ready_seconds(queue.oldest_ready_seconds());
    out->set_estimated_encode_seconds(queue.estimated_cost());
    out->set_held(queue.held());
    out->set_paused(queue.settings().paused());
    out->set_max_running(queue.settings().max_running());
    out->set_max_starts_per_second(queue.settings().max_starts_per_second());
  }
}

}  // namespace

StatusOr<std::vector<FleetDaemon>> ParseFleet(const std::vector<std::string>& entries) {
  std::vector<FleetDaemon> daemons;
  for (const std::string& entry : entries) {
    const size_t equals = entry.find('=');
    if (equals == 0 || equals == std::string::npos || entry.find(':', equals) == std::string::npos) {
      return InvalidField("VORA_FLEET", "'" + entry + "' is not name=host:port");
    }
    daemons.push_back({entry.substr(0, equals), entry.substr(equals + 1)});
  }
  return daemons;
}

struct FleetView::Target {
  FleetDaemon daemon;
  std::unique_ptr<health::Health::Stub> stub;
};

FleetView::FleetView(std::vector<FleetDaemon> daemons, OrchestratorClient& orchestrator, std::function<Status()> self_ready)
    : orchestrator_(orchestrator), self_ready_(std::move(self_ready)) {
  for (FleetDaemon& daemon : daemons) {
    auto stub = health::Health::NewStub(rpc::Connect(daemon.address));
    targets_.push_back(std::make_unique<Target>(Target{std::move(daemon), std::move(stub)}));
  }
}

FleetView::~FleetView() = default;

v1::Fleet FleetView::Get() {
  std::unique_lock lock(mutex_);
  // Whoever finds an older answer takes it rather than wait for the one that is being fetched; only before the first there is nothing to
  // take.
  told_.wait(lock, [this] { return known_ || !asking_; });
  if (asking_ || (known_ && steady_clock::now() - asked_ < kFresh)) return last_;
  asking_ = true;
  lock.unlock();
  v1::Fleet fleet = Ask();
  lock.lock();
  last_ = std::move(fleet);
  asked_ = steady_clock::now();
  known_ = true;
  asking_ = false;
  told_.notify_all();
  return last_;
}

v1::Fleet FleetView::Ask() {
  struct Call {
    grpc::ClientContext context;
    health::HealthCheckRequest request;
    health::HealthCheckResponse response;
    grpc::Status status;
    double seconds = 0;
  };
  std::vector<Call> calls(targets_.size());
  std::mutex mutex;
  std::condition_variable ended;
  size_t open = calls.size();
  const auto begun = steady_clock::now();
  for (size_t i = 0; i < calls.size(); ++i) {
    Call& call = calls[i];
    rpc::Prepare(call.context, kPatience);
    call.request.set_service("ready");
    targets_[i]->stub->async()->Check(&call.context, &call.request, &call.response, [&, i](grpc::Status status) {
      std::lock_guard lock(mutex);
      calls[i].status = std::move(status);
      calls[i].seconds = std::chrono::duration<double>(steady_clock::now() - begun).count();
      --open;
      // Under the lock: once `open` is 0 the waiter leaves, and `ended` with it.
      ended.notify_one();
    });
  }
  v1::Fleet fleet;
  auto* self = fleet.add_daemons();
  self->set_name("metadata");
  const Status ready = self_ready_();
  self->set_state(ready.ok() ? "ready" : "not_ready");
  if (!ready.ok()) self->set_detail(Message(ready));
  const auto queues = orchestrator_.DescribeQueues(kPatience);
  if (queues.ok()) {
    AddWorkersAndQueues(*queues, fleet);
  } else {
    fleet.set_orchestrator_error(Message(queues.status()));
  }
  // The callbacks write into this frame, so it must outlive the last of them.
  std::unique_lock lock(mutex);
  ended.wait(lock, [&] { return open == 0; });  // each call has a deadline
  for (size_t i = 0; i < calls.size(); ++i) {
    auto* daemon = fleet.add_daemons();
    daemon->set_name(targets_[i]->daemon.name);
    daemon->set_address(targets_[i]->daemon.address);
    daemon->set_check_seconds(calls[i].seconds);
    if (!calls[i].status.ok()) {
      daemon->set_state("away");
      daemon->set_detail("no answer: " + Message(rpc::FromGrpc(calls[i].status)));
    } else if (calls[i].response.status() != health::HealthCheckResponse::SERVING) {
      daemon->set_state("not_ready");
      daemon->set_detail("it is alive, but takes no work: its /readyz says why");
    } else {
      daemon->set_state("ready");
    }
  }
  return fleet;
}

}  // namespace vora::metadata
