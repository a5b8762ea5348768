#pragma once

// The fleet as operators see it: the health of the daemons, asked over grpc.health.v1, and the orchestrator's workers and queues.

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "libs/core/status.h"
#include "vora/metadata/v1/fleet.pb.h"

namespace vora::metadata {

class OrchestratorClient;

struct FleetDaemon {
  std::string name;
  std::string address;  // gRPC, host:port
};
// "upload=127.0.0.1:9081" each. INVALID_ARGUMENT names the entry.
StatusOr<std::vector<FleetDaemon>> ParseFleet(const std::vector<std::string>& entries);

// Thread-safe. However many ask, the fleet is asked at most once a second, and only one of them waits for it when something is known.
class FleetView {
 public:
  // `self_ready`: this daemon's own readiness, listed as `metadata`.
  FleetView(std::vector<FleetDaemon> daemons, OrchestratorClient& orchestrator, std::function<Status()> self_ready);
  ~FleetView();
  // Takes two seconds at most. What is away is in the answer.
  v1::Fleet Get();

 private:
  struct Target;
  v1::Fleet Ask();
  OrchestratorClient& orchestrator_;
  const std::function<Status()> self_ready_;
  std::vector<std::unique_ptr<Target>> targets_;
  std::mutex mutex_;
  std::condition_variable told_;
  v1::Fleet last_;
  std::chrono::steady_clock::time_point asked_;
  bool known_ = false;
  bool asking_ = false;
};

}  // namespace vora::metadata
