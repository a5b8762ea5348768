#pragma once

// A gRPC server with grpc.health.v1 (services `live` and `ready`, and "" like `ready`), reflection, trace context from the
// `traceparent` metadata, and RED metrics per method.

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/run/lifecycle.h"

namespace grpc {
class Service;
}

namespace vora::rpc {

struct ServerOptions {
  std::string listen = "127.0.0.1:0";  // port 0: any free port
  int max_threads = 16;                // quota for sync handlers
  int64_t max_message_bytes = 4 << 20;
  int max_metadata_bytes = 16 << 10;  // of a call's headers
  int max_concurrent_calls = 1024;    // per connection; more wait at the client
  // Plaintext, and nothing but grpc.health.v1: for probes that cannot speak TLS, as the kubelet's. Empty: none.
  std::string health_listen = {};
};

class Server {
 public:
  // The services must outlive the server. UNAVAILABLE when the address cannot be bound: the message names it and says what to do.
  static StatusOr<std::unique_ptr<Server>> Start(const ServerOptions& options, std::vector<grpc::Service*> services,
                                                 const Readiness& readiness, obs::Metrics& metrics);
  ~Server();
  int port() const;
  int health_port() const;  // 0 without health_listen
  // Stops accepting, waits up to `budget` for calls in flight, then cancels them. Safe to call twice.
  void Shutdown(std::chrono::milliseconds budget);

 private:
  struct Impl;
  static Status StartProbes(Impl& impl, const std::string& listen, const Readiness& readiness);
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::rpc
