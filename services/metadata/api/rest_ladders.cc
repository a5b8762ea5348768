#include <nlohmann/json.hpp>

#include "services/metadata/api/proto_json.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/rows/embedded.h"
#include "services/metadata/videos/ladder_repo.h"
#include "services/metadata/videos/video_fields.h"

namespace vora::metadata {

void AddLadderRoutes(ApiRoutes& routes, LadderRepo& ladders) {
  routes.Simple("GET", "/v1/ladders", [&ladders](const http::Request& request, const std::string&) {
    const auto stored = ladders.List(request.caller.tenant);
    if (!stored.ok()) return http::ErrorResponse(stored.status());
    nlohmann::ordered_json json = {{"ladders", nlohmann::ordered_json::array()}};
    for (const StoredLadder& ladder : *stored) {
      nlohmann::ordered_json shown = ToJson(ladder.ladder);
      shown["is_default"] = ladder.is_default;
      json["ladders"].push_back(std::move(shown));
    }
    return http::Response::Json(200, json.dump());
  });
}

void AddOpenApiRoute(ApiRoutes& routes) {
  routes.Simple("GET", "/openapi.json", [](const http::Request&, const std::string&) {
    http::Response response = http::Response::Json(200, std::string(OpenApiDocument()));
    response.headers.Set("Cache-Control", "no-cache");
    return response;
  });
}

}  // namespace vora::metadata
