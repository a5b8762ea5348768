#include "libs/protojson/proto_json.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/processing/orchestrator_client.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;

StatusOr<wf::QueueSettings> SetQueue(OrchestratorClient& orchestrator, const http::Request& request, const std::string& body) {
  wf::SetQueueSettingsRequest set;
  VORA_RETURN_IF_ERROR(FromBody(body, {"paused", "max_running", "max_starts_per_second"}, set));
  set.set_queue(request.params.at("queue"));
  return orchestrator.SetQueueSettings(set);
}

StatusOr<wf::TenantSettings> SetTenant(OrchestratorClient& orchestrator, const http::Request& request, const std::string& body) {
  wf::SetTenantSettingsRequest set;
  VORA_RETURN_IF_ERROR(FromBody(body, {"paused", "weight", "max_running", "max_starts_per_second", "retention_days"}, set));
  set.set_tenant(request.params.at("tenant"));
  return orchestrator.SetTenantSettings(set);
}

}  // namespace

void AddSettingsRoutes(ApiRoutes& routes, OrchestratorClient& orchestrator) {
  routes.Simple("GET", "/v1/queues",
                [&orchestrator](const http::Request&, const std::string&) { return JsonOf(orchestrator.ListQueueSettings()); });
  routes.Simple("GET", "/v1/queues/{queue}", [&orchestrator](const http::Request& request, const std::string&) {
    return JsonOf(orchestrator.GetQueueSettings(request.params.at("queue")));
  });
  routes.Simple("PATCH", "/v1/queues/{queue}", [&orchestrator](const http::Request& request, const std::string& body) {
    return JsonOf(SetQueue(orchestrator, request, body));
  });
  routes.Simple("DELETE", "/v1/queues/{queue}", [&orchestrator](const http::Request& request, const std::string&) {
    return JsonOf(orchestrator.ResetQueueSettings(request.params.at("queue")));
  });
  routes.Simple("GET", "/v1/tenants",
                [&orchestrator](const http::Request&, const std::string&) { return JsonOf(orchestrator.ListTenantSettings()); });
  routes.Simple("GET", "/v1/tenants/{tenant}", [&orchestrator](const http::Request& request, const std::string&) {
    return JsonOf(orchestrator.GetTenantSettings(request.params.at("tenant")));
  });
  routes.Simple("PATCH", "/v1/tenants/{tenant}", [&orchestrator](const http::Request& request, const std::string& body) {
    return JsonOf(SetTenant(orchestrator, request, body));
  });
  routes.Simple("DELETE", "/v1/tenants/{tenant}", [&orchestrator](const http::Request& request, const std::string&) {
    return JsonOf(orchestrator.ResetTenantSettings(request.params.at("tenant")));
  });
}

}  // namespace vora::metadata
