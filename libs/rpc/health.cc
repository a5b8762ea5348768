#include "libs/rpc/health.h"

#include <utility>
#include <vector>

namespace vora::rpc {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// One Watch stream. It owns itself through the service's set until gRPC is done with it.
class HealthService::Watcher : public grpc::ServerWriteReactor<HealthCheckResponse> {
 public:
  Watcher(HealthService& owner, std::string service) : owner_(owner), service_(std::move(service)) {}

  const std::string& service() const { return service_; }

  void Show(ServingStatus status) {
    const std::lock_guard lock(mutex_);
    // gRPC allows one write at a time. Of changes that come meanwhile only the last is told, which is all that a watcher needs.
    wanted_ = status;
    WriteLocked();
  }

  void End(ServingStatus last) {
    const std::lock_guard lock(mutex_);
    wanted_ = last;
    ending_ = true;
    WriteLocked();
  }

  void OnWriteDone(bool ok) override {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    if (!ok) return FinishLocked(grpc::Status::CANCELLED);
    WriteLocked();
  }
  void OnCancel() override {
    const std::lock_guard lock(mutex_);
    FinishLocked(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    std::shared_ptr<Watcher> self;  // dies after the lock is gone
    const std::lock_guard lock(owner_.mutex_);
    for (auto it = owner_.watchers_.begin(); it != owner_.watchers_.end(); ++it) {
      if (it->get() != this) continue;
      self = *it;
      owner_.watchers_.erase(it);
      return;
    }
  }

 private:
  void WriteLocked() {
    if (writing_ || finished_) return;
    if (wanted_ != shown_) {
      shown_ = wanted_;
      writing_ = true;
      response_.set_status(wanted_);
      StartWrite(&response_);
    } else if (ending_) {
      FinishLocked({grpc::StatusCode::UNAVAILABLE, "the server is stopping"});
    }
  }
  void FinishLocked(const grpc::Status& status) {
    if (std::exchange(finished_, true)) return;
    Finish(status);
  }

  HealthService& owner_;
  const std::string service_;
  std::mutex mutex_;
  HealthCheckResponse response_;
  ServingStatus wanted_ = HealthCheckResponse::UNKNOWN;
  ServingStatus shown_ = HealthCheckResponse::UNKNOWN;
  bool writing_ = false;
  bool ending_ = false;
  bool finished_ = false;
};

HealthService::HealthService(const Readiness& readiness, std::chrono::milliseconds poll)
    : readiness_(readiness), poller_("health", [this, poll] {
        Poll();
        return poll;
      }) {
  poller_.Start(poll);
}

HealthService::~HealthService() { Stop(); }

HealthService::ServingStatus HealthService::StatusOf(const std::string& service) const {
  if (service == "live") return HealthCheckResponse::SERVING;
  if (service.empty() || service == "ready") {
    return readiness_.Check().ok() ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
  }
  return HealthCheckResponse::SERVICE_UNKNOWN;
}

grpc::ServerUnaryReactor* HealthService::Check(grpc::CallbackServerContext* context, const HealthCheckRequest* request,
                                               HealthCheckResponse* response) {
  auto* reactor = context->DefaultReactor();
  response->set_status(StatusOf(request->service()));
  if (response->status() == HealthCheckResponse::SERVICE_UNKNOWN) {
    reactor->Finish({grpc::StatusCode::NOT_FOUND, "no service '" + request->service() + "': ask for 'live', 'ready' or ''"});
  } else {
    reactor->Finish(grpc::Status::OK);
  }
  return reactor;
}

grpc::ServerWriteReactor<HealthCheckResponse>* HealthService::Watch(grpc::CallbackServerContext*, const HealthCheckRequest* request) {
  auto watcher = std::make_shared<Watcher>(*this, request->service());
  bool stopped = false;
  {
    const std::lock_guard lock(mutex_);
    // In one step with the look at `stopped_`: a Stop that comes between would leave this stream open for ever.
    watchers_.insert(watcher);
    stopped = stopped_;
  }
  if (stopped) {
    watcher->End(HealthCheckResponse::NOT_SERVING);
  } else {
    watcher->Show(StatusOf(watcher->service()));
  }
  return watcher.get();
}

void HealthService::Stop() {
  std::set<std::shared_ptr<Watcher>> watchers;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
    watchers = watchers_;
  }
  for (const auto& watcher : watchers) watcher->End(HealthCheckResponse::NOT_SERVING);
}

void HealthService::Poll() {
  std::set<std::shared_ptr<Watcher>> watchers;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    watchers = watchers_;
  }
  for (const auto& watcher : watchers) watcher->Show(StatusOf(watcher->service()));
}

}  // namespace vora::rpc
