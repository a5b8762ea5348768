#include "services/orchestrator/orchestrator_app.h"

#include <string>
#include <utility>

#include "libs/log/log.h"
#include "libs/run/retry.h"
#include "services/orchestrator/workflows/workflows.h"

namespace vora::orchestrator {
namespace {

using std::chrono::milliseconds;
constexpr RetryOptions kStartRetry{.max_attempts = 30, .initial = milliseconds{100}, .max = milliseconds{1000}, .multiplier = 2.0};

}  // namespace

StatusOr<std::shared_ptr<OrchestratorApp>> OrchestratorApp::Start(const OrchestratorSettings& settings, const rpc::Authorizer& authorizer,
                                                                  obs::Metrics& metrics) {
  workflow::EngineHostOptions options = settings.HostOptions();
  options.authorizer = authorizer;
  auto app = std::make_shared<OrchestratorApp>();
  bool told = false;
  VORA_RETURN_IF_ERROR(RetryIdempotent(kStartRetry, [&]() -> Status {
    auto started = workflow::EngineHost::Start(options, workflows::AllWorkflows(), metrics);
    if (!started.ok()) {
      if (!std::exchange(told, true)) log::Warn("waiting for the database", {{"error", ToText(started.status())}});
      return started.status();
    }
    app->host_ = std::move(started).value();
    return {};
  }));
  app->scaler_ = std::make_unique<Scaler>([host = app->host_.get()] { return host->engine().DescribeQueues(); }, authorizer);
  return app;
}

std::vector<grpc::Service*> OrchestratorApp::services() {
  return {host_->workflow_service(), host_->activity_service(), scaler_->service()};
}

}  // namespace vora::orchestrator
