#include "services/analytics-ingest/intake/cors.h"

#include <algorithm>

namespace vora::analytics {

Cors::Cors(std::vector<std::string> origins)
    : any_(std::find(origins.begin(), origins.end(), "*") != origins.end()), origins_(std::move(origins)) {}

void Cors::AddTo(const http::Request& request, http::Response& head) const {
  if (any_) {
    head.headers.Set("Access-Control-Allow-Origin", "*");
  } else {
    // Without an Origin too: what a cache kept of such a request must not answer one of a page.
    head.headers.Set("Vary", "Origin");
    const auto origin = request.headers.Get("Origin");
    if (!origin || std::find(origins_.begin(), origins_.end(), *origin) == origins_.end()) return;
    head.headers.Set("Access-Control-Allow-Origin", *origin);
  }
  head.headers.Set("Access-Control-Expose-Headers", "Retry-After");
}

http::Response Cors::Preflight() const {
  http::Response response = http::Response::Empty(204);
  response.headers.Set("Access-Control-Allow-Methods", "POST, GET, OPTIONS");
  response.headers.Set("Access-Control-Allow-Headers", "content-type, cmcd-object, cmcd-request, cmcd-session, cmcd-status, traceparent");
  response.headers.Set("Access-Control-Max-Age", "86400");
  return response;
}

}  // namespace vora::analytics
