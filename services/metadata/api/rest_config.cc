#include <nlohmann/json.hpp>

#include "libs/curl/url.h"
#include "services/metadata/api/rest.h"

namespace vora::metadata {

void AddConfigRoutes(ApiRoutes& routes, const std::string& upload_url, bool playback_tokens, bool guarded) {
  const nlohmann::ordered_json config{{"upload_url", upload_url}, {"playback_tokens", playback_tokens}, {"auth", guarded ? "jwt" : "none"}};
  const std::string body = config.dump();
  routes.Simple("GET", "/v1/config", [body](const http::Request& request, const std::string&) {
    if (const Status known = CheckQueryKeys(request, {}); !known.ok()) return http::ErrorResponse(known);
    http::Response response = http::Response::Json(200, body);
    response.headers.Set("Cache-Control", "no-cache");
    return response;
  });
}

Status CheckUploadUrl(std::string& url) {
  VORA_RETURN_IF_ERROR(curl::CheckServerUrl("VORA_UPLOAD_PUBLIC_URL", url));
  if (url.back() != '/') url += '/';
  return absl::OkStatus();
}

}  // namespace vora::metadata
