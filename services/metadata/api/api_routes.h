#pragma once

// Registers the REST API and remembers which routes it has, so that the OpenAPI document can be held to them.

#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/http/server/server.h"
#include "libs/protojson/proto_json.h"

namespace vora::metadata {

// Server-sent events end after so long. Clients come back by themselves, and show their token anew: none outlives its token by more.
inline constexpr std::chrono::milliseconds kStreamLifetime = std::chrono::minutes(10);

class RequestKeyRepo;

class ApiRoutes {
 public:
  // `keys`: of POST requests with an Idempotency-Key.
  ApiRoutes(http::Server& server, RequestKeyRepo& keys) : server_(server), keys_(keys) {}
  // Who may use a route stands in one table (api_scopes.cc), unless it is given here. Aborts for a route that has neither.
  void Simple(const std::string& method, const std::string& pattern, http::SimpleHandler handler, std::optional<Scope> scope = {});
  void Streaming(const std::string& method, const std::string& pattern, http::Handler handler, std::optional<Scope> scope = {});
  // {"GET", "/v1/videos/{id}"}
  const std::vector<std::pair<std::string, std::string>>& all() const { return all_; }

 private:
  http::Server& server_;
  RequestKeyRepo& keys_;
  std::vector<std::pair<std::string, std::string>> all_;
};

// 200 with the message, or the error.
template <typename Message>
http::Response JsonOf(const StatusOr<Message>& result) {
  return result.ok() ? http::Response::Json(200, ToJsonText(*result)) : http::ErrorResponse(result.status());
}
// Of server-sent events; no cache or proxy may keep or hold them back.
http::Response EventStreamHead();
// INVALID_ARGUMENT when the query has a key that is not in `allowed`.
Status CheckQueryKeys(const http::Request& request, std::initializer_list<std::string_view> allowed);
// The number that the query gives as `key`, or `absent`. INVALID_ARGUMENT naming the key and the limits.
StatusOr<int64_t> QueryNumber(const http::Request& request, const std::string& key, int64_t absent, int64_t min, int64_t max);

}  // namespace vora::metadata
