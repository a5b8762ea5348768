
#include <nlohmann/json.hpp>

#include "libs/protojson/proto_json.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/processing/orchestrator_client.h"
#include "services/metadata/videos/video_fields.h"
#include "services/metadata/videos/video_repo.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;
using OrderedJson = nlohmann::ordered_json;
constexpr int kMaxEvents = 1000;

// Payloads inside the history are JSON texts: shown as JSON where they parse.
OrderedJson Expand(const std::string& text) {
  if (text.empty()) return nullptr;
  OrderedJson json = OrderedJson::parse(text, nullptr, /*allow_exceptions=*/false);
  return json.is_discarded() ? OrderedJson(text) : json;
}

// What stands behind `?` of a file's address often lets in whoever has it. Inputs are texts inside the texts.
void HideQueries(OrderedJson& json) {
  if (json.is_object() && json.contains("url") && json["url"].is_string()) {
    const std::string url = json["url"].get<std::string>();
    json["url"] = url.substr(0, url.find('?'));
  }
  if (json.is_structured()) {
    for (auto& child : json) HideQueries(child);
  } else if (json.is_string() && json.get_ref<const std::string&>().starts_with('{')) {
    OrderedJson inner = OrderedJson::parse(json.get_ref<const std::string&>(), nullptr, /*allow_exceptions=*/false);
    if (!inner.is_structured()) return;
    HideQueries(inner);
    json = inner.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
  }
}

StatusOr<std::string> History(VideoRepo& videos, OrchestratorClient& orchestrator, const http::Request& request) {
  VORA_RETURN_IF_ERROR(CheckQueryKeys(request, {"after_event_id", "page_size", "run_id"}));
  VORA_ASSIGN_OR_RETURN(const int64_t after, QueryNumber(request, "after_event_id", 0, 0, INT64_MAX));
  VORA_ASSIGN_OR_RETURN(const int64_t page_size, QueryNumber(request, "page_size", kMaxEvents, 1, kMaxEvents));
  const std::string run_id = request.Query("run_id").value_or("");
  VORA_ASSIGN_OR_RETURN(const v1::Video video, videos.Get(request.caller.tenant, request.params.at("id")));
  const std::string workflow_id = WorkflowOf(video.video_id());
  const auto described = orchestrator.Describe(workflow_id, run_id);
  if (described.status().code() == StatusCode::kNotFound) {
    return NotFound("video " + video.video_id() + " has no such workflow run: " + Message(described.status()));
  }
  VORA_RETURN_IF_ERROR(described.status());
  // By the run that Describe found: with a retry in between, the newest run would be another one, and its events would stand under this
  // description.
  VORA_ASSIGN_OR_RETURN(const auto history,
                        orchestrator.History(workflow_id, described->info().run_id(), after, static_cast<int>(page_size)));
  OrderedJson json = OrderedJson::object();
  json["workflow"] = ToJson(described->info());
  json["workflow"]["result"] = Expand(described->info().result());
  json["pending_activities"] = OrderedJson::array();
  for (const auto& pending : described->pending_activities()) json["pending_activities"].push_back(ToJson(pending));
  json["failed_attempts"] = OrderedJson::array();
  for (const auto& attempt : described->failed_attempts()) json["failed_attempts"].push_back(ToJson(attempt));
  json["events"] = OrderedJson::array();
  for (const auto& event : history.events()) {
    OrderedJson shown = ToJson(event);
    shown["attributes"] = Expand(event.attributes());
    HideQueries(shown["attributes"]);
    json["events"].push_back(std::move(shown));
  }
  json["more"] = history.more();
  return json.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace

void AddHistoryRoutes(ApiRoutes& routes, VideoRepo& videos, OrchestratorClient& orchestrator) {
  routes.Simple("GET", "/v1/videos/{id}/history", [&videos, &orchestrator](const http::Request& request, const std::string&) {
    const auto history = History(videos, orchestrator, request);
    return history.ok() ? http::Response::Json(200, *history) : http::ErrorResponse(history.status());
  });
}

}  // namespace vora::metadata
