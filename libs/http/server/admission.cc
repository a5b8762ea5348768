#include "libs/http/server/admission_internal.h"

namespace vora::http {
namespace {

constexpr char kRealm[] = "Bearer realm=\"vora\"";

bool IsPreflight(const Request& request) { return request.method == "OPTIONS" && !request.headers.Has("X-HTTP-Method-Override"); }

}  // namespace

std::optional<Response> Admit(const Server::Admission& admission, std::optional<Scope> scope, Request& request) {
  if (!scope || IsPreflight(request)) return std::nullopt;
  if (!admission) return ErrorResponse(Unavailable("nobody can be let in: this server has no admission"));
  Credentials credentials;
  credentials.authorization = request.headers.GetOr("Authorization", "");
  StatusOr<Caller> caller = admission(credentials, *scope);
  if (caller.ok()) {
    request.caller = std::move(caller).value();
    return std::nullopt;
  }
  Response refusal = ErrorResponse(caller.status());
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
