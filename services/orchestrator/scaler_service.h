#pragma once

// KEDA's externalscaler.ExternalScaler over the activity queues.

#include <chrono>
#include <memory>

#include "libs/rpc/authorizer.h"
#include "services/orchestrator/scaler_feed.h"

namespace grpc {
class Service;
}

namespace vora::orchestrator {

class Scaler {
 public:
  // `read` may block; it is asked at every call, and every `interval` while a StreamIsActive is open. `authorizer` lets in the fleet, which
  // KEDA is part of by its certificate, and operators.
  Scaler(ReadQueues read, rpc::Authorizer authorizer, std::chrono::milliseconds interval = std::chrono::milliseconds{1000});
  ~Scaler();
  // Must be registered with a server that is shut down before this is destroyed.
  grpc::Service* service();
  // Ends open streams with UNAVAILABLE; other calls still work. Safe to call twice.
  void Stop();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::orchestrator
