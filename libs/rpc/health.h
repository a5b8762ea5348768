#pragma once

// grpc.health.v1 over Readiness. `live` is SERVING while the process answers; `ready` and "" follow Readiness.

#include <grpc/health/v1/health.grpc.pb.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "libs/run/lifecycle.h"
#include "libs/run/periodic.h"

namespace vora::rpc {

class HealthService final : public grpc::health::v1::Health::CallbackService {
 public:
  // Check asks `readiness` itself; Watch sees a change after `poll` at most.
  explicit HealthService(const Readiness& readiness, std::chrono::milliseconds poll = std::chrono::milliseconds(100));
  ~HealthService() override;

  grpc::ServerUnaryReactor* Check(grpc::CallbackServerContext* context, const grpc::health::v1::HealthCheckRequest* request,
                                  grpc::health::v1::HealthCheckResponse* response) override;
  grpc::ServerWriteReactor<grpc::health::v1::HealthCheckResponse>* Watch(grpc::CallbackServerContext* context,
                                                                         const grpc::health::v1::HealthCheckRequest* request) override;

  // Tells every watcher NOT_SERVING and ends its stream, so that none holds up the server's shutdown.
  void Stop();

 private:
  class Watcher;
  using ServingStatus = grpc::health::v1::HealthCheckResponse::ServingStatus;
  ServingStatus StatusOf(const std::string& service) const;
  void Poll();

  const Readiness& readiness_;
  std::mutex mutex_;
  bool stopped_ = false;
  std::set<std::shared_ptr<Watcher>> watchers_;
  Periodic poller_;  // last: uses all of the above
};

}  // namespace vora::rpc
