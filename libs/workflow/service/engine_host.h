#pragma once

// An engine with everything around it: connections, schema, wake-ups, long polls, passes, gRPC services. What the orchestrator daemon runs.

#include <memory>
#include <string>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/rpc/authorizer.h"
#include "libs/workflow/engine/engine.h"
#include "libs/workflow/engine/passes.h"
#include "libs/workflow/service/progress_feed.h"
#include "libs/workflow/service/worker_sessions.h"

namespace grpc {
class Service;
}

namespace vora::workflow {

struct EngineHostOptions {
  std::string database_url;
  int max_connections = 16;
  PassOptions passes;
  WorkerSessionOptions sessions;
  ProgressFeedOptions progress;
  EngineOptions engine;
  rpc::Authorizer authorizer;  // who may call the services; nobody unless it is set
};

class EngineHost {
 public:
  // Applies the schema. UNAVAILABLE while the database cannot be reached. `metrics` must outlive it.
  static StatusOr<std::unique_ptr<EngineHost>> Start(EngineHostOptions options, Registry registry, obs::Metrics& metrics);
  // Only applies the schema. UNAVAILABLE while the database cannot be reached.
  static Status Migrate(const std::string& database_url, obs::Metrics& metrics);
  // Replays all open runs with `registry`, reading only, and logs those that do not agree. FAILED_PRECONDITION when one would be parked
  // that is not parked now.
  static Status CheckReplay(const std::string& database_url, const Registry& registry, obs::Metrics& metrics);
  ~EngineHost();

  Engine& engine();
  // Must be registered with a server that is shut down before this is destroyed.
  grpc::Service* workflow_service();
  grpc::Service* activity_service();
  // OK while the database answers.
  Status Ping();
  // Answers waiting polls (empty) and stops the background work; calls in flight still work. Safe to call twice.
  void Stop();

 private:
  struct Impl;
  explicit EngineHost(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::workflow
