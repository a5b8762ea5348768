#include "libs/http/server/authorize_internal.h"

namespace vora::http {
namespace {

constexpr char kRealm[] = "Bearer realm=\"vora\"";

bool IsPreflight(const Request& request) { return request.method == "OPTIONS" && !request.headers.Has("X-HTTP-Method-Override"); }

}  // namespace

std::optional<Response> Authorize(const Server::Authorizer& authorizer, std::optional<Scope> scope, Request& request) {
  if (!scope || IsPreflight(request)) return std::nullopt;
  if (!authorizer) return ErrorResponse(Unavailable("nobody can be let in: this server has no authorizer"));
  Credentials credentials;
  credentials.authorization = request.headers.GetOr("Authorization", "");
  StatusOr<Caller> caller = authorizer(credentials, *scope);
  if (caller.ok()) {
    request.caller = std::move(caller).value();
    return std::nullopt;
  }
  Response refusal = ErrorResponse(caller.status());
  // RFC 6750 section 3.1: without credentials the challenge names no error; other faults (keys that cannot be read) are no question of the
  // token.
  std::string challenge = kRealm;
  if (caller.status().code() == StatusCode::kPermissionDenied) {
    challenge += ", error=\"insufficient_scope\", scope=\"" + std::string(ScopeName(*scope)) + "\"";
  } else if (caller.status().code() != StatusCode::kUnauthenticated) {
    return refusal;
  } else if (!credentials.authorization.empty()) {
    challenge += ", error=\"invalid_token\"";
  }
  refusal.headers.Set("WWW-Authenticate", challenge);
  return refusal;
}

}  // namespace vora::http
