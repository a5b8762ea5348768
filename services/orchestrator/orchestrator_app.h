#pragma once

// All parts of the orchestrator: the workflow engine over PostgreSQL with Vora's workflows, and the scaler that autoscalers ask.

#include <memory>
#include <vector>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/rpc/authorizer.h"
#include "libs/workflow/service/engine_host.h"
#include "services/orchestrator/orchestrator_settings.h"
#include "services/orchestrator/scaler_service.h"

namespace grpc {
class Service;
}

namespace vora::orchestrator {

class OrchestratorApp {
 public:
  // Waits about half a minute for a database that is started at the same time.
  static StatusOr<std::shared_ptr<OrchestratorApp>> Start(const OrchestratorSettings& settings, const rpc::Authorizer& authorizer,
                                                          obs::Metrics& metrics);
  std::vector<grpc::Service*> services();
  Status Ready() { return host_->Ping(); }
  void StopEngine() { host_->Stop(); }
  void StopScaler() { scaler_->Stop(); }

 private:
  std::unique_ptr<workflow::EngineHost> host_;
  std::unique_ptr<Scaler> scaler_;
};

}  // namespace vora::orchestrator
