#pragma once

// The daemon's parts, put together.

#include <chrono>
#include <functional>
#include <memory>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/rpc/authorizer.h"
#include "services/analytics-ingest/ingest_settings.h"

namespace grpc {
class Service;
}

namespace vora::analytics {

class IngestApp {
 public:
  // Opens the spool and starts everything; the settings must have been checked. `authorizer` is that of gRPC; players need none. `clock`
  // and `metrics` must outlive it.
  static StatusOr<std::unique_ptr<IngestApp>> Start(const IngestSettings& settings, rpc::Authorizer authorizer, const Clock& clock,
                                                    obs::Metrics& metrics);
  ~IngestApp();
  int http_port() const;
  grpc::Service* grpc_service();
  // OK while events are taken in. ClickHouse away is no reason: the spool waits for it.
  Status Health();
  // Stops the HTTP server, then takes no more by gRPC either.
  void StopIntake(std::chrono::milliseconds budget);
  // Ships what is in the spool, as far as `budget` allows; the rest after the next start.
  void StopShipping(std::chrono::milliseconds budget);

 private:
  struct Impl;
  explicit IngestApp(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::analytics
