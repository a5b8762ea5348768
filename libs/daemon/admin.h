#pragma once

// The admin endpoints of a daemon: GET /livez, /readyz and /metrics.

#include <chrono>
#include <memory>
#include <string>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/run/lifecycle.h"

namespace vora::daemon_internal {

class AdminServer {
 public:
  // `readiness` and `metrics` must outlive the server.
  AdminServer(const std::string& listen, const Readiness& readiness, obs::Metrics& metrics);
  ~AdminServer();
  Status Start();
  int port() const;
  void Shutdown(std::chrono::milliseconds budget);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// OK when the daemon behind `readyz_url` answers 200; else UNAVAILABLE with its reason.
Status AskReady(const std::string& readyz_url);

}  // namespace vora::daemon_internal
