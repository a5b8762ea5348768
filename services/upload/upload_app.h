#pragma once

// The upload daemon without its process: every part, built and stopped in the right order. Tests run several in one process.

#include <chrono>
#include <functional>
#include <memory>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/daemon/authorization.h"
#include "libs/obs/metrics.h"
#include "libs/storage/base/object_store.h"
#include "services/upload/upload_settings.h"

namespace grpc {
class Service;
}

namespace vora::upload {

class UploadApp {
 public:
  // `store`, `metrics` and `clock` must outlive it.
  UploadApp(const UploadSettings& settings, storage::ObjectStore& store, obs::Metrics& metrics, Authorization authorization,
            const Clock& clock = Clock::Real());
  ~UploadApp();  // Stop
  // FAILED_PRECONDITION: unsafe store; UNAVAILABLE: the address cannot be bound. `on_fatal` may be called later, from any thread.
  Status Start(std::function<void(Status)> on_fatal);
  // Keeps what running requests have received, ends them, then the background parts. Safe to call twice.
  void Stop(std::chrono::milliseconds budget);

  int http_port() const;
  grpc::Service* grpc_service();
  Status StoreHealth();
  // One sweep, as the background does it.
  Status Sweep();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::upload
