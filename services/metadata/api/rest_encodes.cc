#include <charconv>

#include "libs/protojson/proto_json.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/videos/encode_repo.h"

namespace vora::metadata {
namespace {

http::Response BeginEncode(EncodeRepo& encodes, const http::Request& request, const std::string& body) {
  v1::EncodeVideoRequest given;
  if (const Status read = FromBody(body, {"ladder"}, given); !read.ok()) return http::ErrorResponse(read);
  given.set_video_id(request.params.at("id"));
  const auto begun = encodes.Begin(request.caller.tenant, given);
  if (!begun.ok()) return http::ErrorResponse(begun.status());
  return http::Response::Json(begun->begun ? 202 : 200, ToJsonText(begun->encode));
}

http::Response CancelEncode(EncodeRepo& encodes, const http::Request& request) {
  v1::CancelEncodeRequest given;
  given.set_video_id(request.params.at("id"));
  const std::string& revision = request.params.at("revision");
  int number = 0;  // of no encode
  const char* end = revision.data() + revision.size();
  if (const auto parsed = std::from_chars(revision.data(), end, number); parsed.ec == std::errc() && parsed.ptr == end) {
    given.set_revision(number);
  }
  return JsonOf(encodes.Cancel(request.caller.tenant, given));
}

}  // namespace

void AddEncodeRoutes(ApiRoutes& routes, EncodeRepo& encodes) {
  using http::Request;
  routes.Simple("POST", "/v1/videos/{id}/encodes",
                [&encodes](const Request& request, const std::string& body) { return BeginEncode(encodes, request, body); });
  routes.Simple("GET", "/v1/videos/{id}/encodes", [&encodes](const Request& request, const std::string&) {
    return JsonOf(encodes.List(request.caller.tenant, request.params.at("id")));
  });
  routes.Simple("POST", "/v1/videos/{id}/encodes/{revision}:cancel",
                [&encodes](const Request& request, const std::string&) { return CancelEncode(encodes, request); });
}

}  // namespace vora::metadata
