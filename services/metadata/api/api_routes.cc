#include "services/metadata/api/api_routes.h"

#include <algorithm>
#include <charconv>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "services/metadata/api/api_scopes.h"
#include "services/metadata/api/idempotency.h"

namespace vora::metadata {

void ApiRoutes::Simple(const std::string& method, const std::string& pattern, http::SimpleHandler handler, std::optional<Scope> scope) {
  all_.emplace_back(method, pattern);
  if (!scope) scope = ScopeOfRoute(method, pattern);
  // Of callers that are known: whoever has no token must not fill the rows of others.
  if (method == "POST" && scope) handler = OncePerKey(keys_, std::move(handler));
  server_.RouteSimple(method, pattern, std::move(handler), scope);
}

void ApiRoutes::Streaming(const std::string& method, const std::string& pattern, http::Handler handler, std::optional<Scope> scope) {
  all_.emplace_back(method, pattern);
  server_.Route(method, pattern, std::move(handler), scope ? scope : ScopeOfRoute(method, pattern));
}

http::Response EventStreamHead() {
  http::Response head;
  head.headers.Set("Content-Type", "text/event-stream");
  head.headers.Set("Cache-Control", "no-store");
  // nginx keeps back what it has not seen the end of, unless it is told not to.
  head.headers.Set("X-Accel-Buffering", "no");
  return head;
}

Status CheckQueryKeys(const http::Request& request, std::initializer_list<std::string_view> allowed) {
  for (const auto& [key, value] : request.query) {
    if (std::find(allowed.begin(), allowed.end(), key) != allowed.end()) continue;
    std::string known;
    for (std::string_view name : allowed) known += (known.empty() ? "" : ", ") + std::string(name);
    return InvalidField(Sanitise(key, 100), "unknown query parameter; known are " + (known.empty() ? "none" : known));
  }
  return absl::OkStatus();
}

StatusOr<int64_t> QueryNumber(const http::Request& request, const std::string& key, int64_t absent, int64_t min, int64_t max) {
  const auto text = request.Query(key);
  if (!text) return absent;
  int64_t value = 0;
  const char* end = text->data() + text->size();
  const auto parsed = std::from_chars(text->data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end || value < min || value > max) {
    const std::string range = std::to_string(min) + " to " + std::to_string(max);
    return InvalidField(key, "must be a number from " + range, range);
  }
  return value;
}

}  // namespace vora::metadata
