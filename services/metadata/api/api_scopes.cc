#include "services/metadata/api/api_scopes.h"

#include <cstdio>
#include <cstdlib>
#include <map>

namespace vora::metadata {
namespace {

constexpr std::nullopt_t kPublic = std::nullopt;

// What is about one tenant's videos is `read` and `write`; what is about the fleet, or lets look into its workings, is `operate`.
const std::map<std::string, std::optional<Scope>>& Table() {
  static const std::map<std::string, std::optional<Scope>> table = {
      {"GET /openapi.json", kPublic},
      {"GET /v1/config", kPublic},
      {"GET /v1/public/videos/{id}", kPublic},  // what a viewer sees who knows the id
      {"GET /v1/videos", Scope::kRead},
      {"GET /v1/videos/{id}", Scope::kRead},
      {"GET /v1/videos/{id}/events", Scope::kRead},
      {"GET /v1/events", Scope::kRead},
      {"GET /v1/ladders", Scope::kRead},
      {"GET /v1/ladders/{name}", Scope::kRead},
      {"POST /v1/ladders:preview", Scope::kRead},
      {"PUT /v1/ladders/{name}", Scope::kWrite},
      {"DELETE /v1/ladders/{name}", Scope::kWrite},
      {"POST /v1/ladders/{name}:default", Scope::kWrite},
      {"GET /v1/sources", Scope::kRead},
      {"GET /v1/sources/{name}/scans", Scope::kRead},
      {"GET /v1/sources/{name}/scans/{scan_id}", Scope::kRead},
      {"GET /v1/sources/{name}/scans/{scan_id}/files", Scope::kRead},
      {"POST /v1/sources/{name}:scan", Scope::kWrite},
      {"POST /v1/sources/{name}/scans/{scan_id}:cancel", Scope::kWrite},
      {"POST /v1/sources/{name}/events", kPublic},  // asks for the token of the source
      {"GET /v1/videos/{id}/analytics", Scope::kRead},
      {"GET /v1/videos/{id}/sessions", Scope::kRead},
      {"GET /v1/sessions/{session_id}", Scope::kRead},
      {"GET /v1/analytics", Scope::kRead},
      {"GET /v1/analytics/events", Scope::kRead},
      {"POST /v1/videos/{id}/playback-tokens", Scope::kRead},
      {"POST /v1/videos", Scope::kWrite},
      {"PATCH /v1/videos/{id}", Scope::kWrite},
      {"DELETE /v1/videos/{id}", Scope::kWrite},
      {"POST /v1/videos/{id}/cancel", Scope::kWrite},
      {"POST /v1/videos/{id}/retry", Scope::kWrite},
      {"POST /v1/videos/{id}/pause", Scope::kWrite},
      {"POST /v1/videos/{id}/resume", Scope::kWrite},
      {"POST /v1/videos/{id}/retry-now", Scope::kWrite},
      {"POST /v1/videos/{id}/priority", Scope::kWrite},
      {"GET /v1/videos/{id}/encodes", Scope::kRead},
      {"POST /v1/videos/{id}/encodes", Scope::kWrite},
      {"POST /v1/videos/{id}/encodes/{revision}:cancel", Scope::kWrite},
      {"GET /v1/queues", Scope::kOperate},
      {"GET /v1/queues/{queue}", Scope::kOperate},
      {"PATCH /v1/queues/{queue}", Scope::kOperate},
      {"DELETE /v1/queues/{queue}", Scope::kOperate},
      {"GET /v1/tenants", Scope::kOperate},
      {"GET /v1/tenants/{tenant}", Scope::kOperate},
      {"PATCH /v1/tenants/{tenant}", Scope::kOperate},
      {"DELETE /v1/tenants/{tenant}", Scope::kOperate},
      {"GET /v1/videos/{id}/history", Scope::kOperate},
      {"GET /v1/fleet", Scope::kOperate},
      {"GET /v1/fleet/events", Scope::kOperate},
      {"DELETE /v1/viewers/{viewer_id}", Scope::kOperate},
  };
  return table;
}

}  // namespace

std::optional<Scope> ScopeOfRoute(const std::string& method, const std::string& pattern) {
  const auto found = Table().find(method + " " + pattern);
  if (found != Table().end()) return found->second;
  std::fprintf(stderr, "the route %s %s has no scope\n", method.c_str(), pattern.c_str());
  std::abort();
}

}  // namespace vora::metadata
