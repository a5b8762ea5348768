#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/protojson/proto_json.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/ladders/ladder_operations.h"
#include "services/metadata/rows/embedded.h"

namespace vora::metadata {
namespace {

// As one object: what is said of the ladder stands beside what it is.
nlohmann::ordered_json Flat(const v1::StoredLadder& stored) {
  nlohmann::ordered_json shown = ToJson(stored.ladder());
  nlohmann::ordered_json said = ToJson(stored);
  said.erase("ladder");
  shown.update(said);
  return shown;
}

http::Response LadderResponse(int status, const StatusOr<v1::StoredLadder>& stored) {
  return stored.ok() ? http::Response::Json(status, Flat(*stored).dump()) : http::ErrorResponse(stored.status());
}

// What a ladder is answered as may be sent back as it is: what is only said of it is not looked at. The text is not made anew of what was
// read: a body may be nested as deep as it is long.
nlohmann::json WithoutWhatIsSaid(const std::string& body) {
  auto json = nlohmann::json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return json;  // FromParsedBody says what is wrong
  for (const char* field : {"is_default", "origin", "warnings", "updated_at"}) json.erase(field);
  return json;
}

StatusOr<PutLadder> Put(LadderOperations& ladders, const http::Request& request, const std::string& body) {
  media::v1::Ladder ladder;
  VORA_RETURN_IF_ERROR(FromParsedBody(
      WithoutWhatIsSaid(body),
      {"name", "description", "version", "segment_seconds", "gop_seconds", "segments_per_chunk", "rungs", "audio", "mp4"}, ladder));
  const std::string& name = request.params.at("name");
  if (ladder.name().empty()) ladder.set_name(name);
  if (ladder.name() != name) return InvalidField("name", "must be that of the address, " + name + ", or not be given");
  return ladders.Put(request.caller.tenant, std::move(ladder));
}

StatusOr<v1::LadderPreview> Preview(LadderOperations& ladders, const http::Request& request, const std::string& body) {
  v1::PreviewLadderRequest preview;
  VORA_RETURN_IF_ERROR(FromBody(body, {"name", "ladder", "video_id", "source"}, preview));
  return ladders.Preview(request.caller.tenant, preview);
}

}  // namespace

void AddLadderRoutes(ApiRoutes& routes, LadderOperations& ladders) {
  using http::Request;
  routes.Simple("GET", "/v1/ladders", [&ladders](const Request& request, const std::string&) {
    const auto list = ladders.List(request.caller.tenant);
    if (!list.ok()) return http::ErrorResponse(list.status());
    nlohmann::ordered_json json = {{"ladders", nlohmann::ordered_json::array()}};
    for (const auto& stored : list->ladders()) json["ladders"].push_back(Flat(stored));
    return http::Response::Json(200, json.dump());
  });
  routes.Simple("GET", "/v1/ladders/{name}", [&ladders](const Request& request, const std::string&) {
    const auto version = QueryNumber(request, "version", 0, 1, INT32_MAX);
    if (!version.ok()) return http::ErrorResponse(version.status());
    v1::GetLadderRequest get;
    get.set_name(request.params.at("name"));
    get.set_version(static_cast<int>(*version));
    return LadderResponse(200, ladders.Get(request.caller.tenant, get));
  });
  routes.Simple("PUT", "/v1/ladders/{name}", [&ladders](const Request& request, const std::string& body) {
    const auto put = Put(ladders, request, body);
    if (!put.ok()) return http::ErrorResponse(put.status());
    http::Response response = LadderResponse(put->created ? 201 : 200, put->ladder);
    if (put->created) response.headers.Set("Location", "/v1/ladders/" + put->ladder.ladder().name());
    return response;
  });
  routes.Simple("DELETE", "/v1/ladders/{name}", [&ladders](const Request& request, const std::string&) {
    const Status deleted = ladders.Delete(request.caller.tenant, request.params.at("name"));
    return deleted.ok() ? http::Response::Empty(204) : http::ErrorResponse(deleted);
  });
  routes.Simple("POST", "/v1/ladders/{name}:default", [&ladders](const Request& request, const std::string&) {
    return LadderResponse(200, ladders.SetDefault(request.caller.tenant, request.params.at("name")));
  });
  routes.Simple("POST", "/v1/ladders:preview",
                [&ladders](const Request& request, const std::string& body) { return JsonOf(Preview(ladders, request, body)); });
}

void AddOpenApiRoute(ApiRoutes& routes) {
  routes.Simple("GET", "/openapi.json", [](const http::Request&, const std::string&) {
    http::Response response = http::Response::Json(200, std::string(OpenApiDocument()));
    response.headers.Set("Cache-Control", "no-cache");
    return response;
  });
}

}  // namespace vora::metadata
