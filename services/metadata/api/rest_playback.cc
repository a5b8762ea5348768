#include <ctime>

#include <nlohmann/json.hpp>

#include "libs/core/clock.h"
#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/layout/layout.h"
#include "services/metadata/api/rest.h"
#include "services/metadata/videos/video_repo.h"

namespace vora::metadata {
namespace {

using nlohmann::json;

constexpr int64_t kDefaultTtl = 3600;
constexpr int64_t kMaxTtl = 86'400;
constexpr char kScope[] = "play";

StatusOr<int64_t> ParseTtl(const std::string& body) {
  if (body.empty()) return kDefaultTtl;
  const json fields = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (fields.is_discarded() || !fields.is_object()) return InvalidField("body", "must be a JSON object");
  for (const auto& [key, value] : fields.items()) {
    if (key != "ttl_seconds") return InvalidField(Sanitise(key, 100), "unknown field; known is ttl_seconds");
  }
  const auto ttl = fields.find("ttl_seconds");
  if (ttl == fields.end()) return kDefaultTtl;
  const bool in_range = ttl->is_number_integer() && *ttl >= 1 && *ttl <= kMaxTtl;
  if (!in_range) return InvalidField("ttl_seconds", "must be a number from 1 to " + std::to_string(kMaxTtl));
  return ttl->get<int64_t>();
}

http::Response Mint(const PlaybackLinks& links, VideoRepo& videos, const http::Request& request, const std::string& body) {
  if (const Status known = CheckQueryKeys(request, {}); !known.ok()) return http::ErrorResponse(known);
  const auto ttl = ParseTtl(body);
  if (!ttl.ok()) return http::ErrorResponse(ttl.status());
  const auto video = videos.Get(request.caller.tenant, request.params.at("id"));
  if (!video.ok()) return http::ErrorResponse(video.status());
  const std::string path = "/v/" + video->video_id() + "/";
  nlohmann::ordered_json answer{
      {"video_id", video->video_id()}, {"token", nullptr}, {"expires_at", nullptr}, {"base_url", links.public_url + path}};
  if (links.tokens) {
    const int64_t expires = ToUnixSeconds(Clock::Real().Now()) + *ttl;
    const std::string token = links.tokens->Sign({video->video_id(), kScope, expires});
    answer["token"] = token;
    answer["expires_at"] = FormatRfc3339Seconds(FromUnixSeconds(expires));
    answer["base_url"] = links.public_url + "/t/" + token + path;
  }
  answer["url"] = answer["base_url"].get<std::string>() + layout::kMasterPlaylist;
  http::Response response = http::Response::Json(200, answer.dump());
  response.headers.Set("Cache-Control", "no-store");
  return response;
}

}  // namespace

void AddPlaybackRoutes(ApiRoutes& routes, VideoRepo& videos, PlaybackLinks links) {
  routes.Simple("POST", "/v1/videos/{id}/playback-tokens",
                [&videos, links = std::move(links)](const http::Request& request, const std::string& body) {
                  return Mint(links, videos, request, body);
                });
}

}  // namespace vora::metadata
