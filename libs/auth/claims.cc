#include "libs/auth/claims.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>

namespace vora::auth {
namespace {

using nlohmann::json;
constexpr size_t kMaxTenantBytes = 64;
constexpr size_t kMaxSubjectBytes = 256;
constexpr double kMaxNumericDate = 253'402'300'799;  // the end of the year 9999
// In 2255: a SystemTime of nanoseconds ends in 2262. Whatever is later means never.
constexpr double kLatest = 9e9;

Status Bad(const std::string& claim, std::string_view what) {
  return MakeError(errors::kTokenClaims, "the token's claim `" + claim + "` " + std::string(what), {.field = claim});
}

// RFC 7519 section 2, NumericDate: seconds, possibly with a fraction. Absent: an empty optional.
StatusOr<std::optional<SystemTime>> Date(const json& claims, const std::string& name) {
  const auto found = claims.find(name);
  if (found == claims.end()) return std::optional<SystemTime>();
  const double seconds = found->is_number() ? found->get<double>() : std::nan("");
  // This way round, so that NaN is refused too.
  if (!(seconds >= 0 && seconds <= kMaxNumericDate)) return Bad(name, "must be a number of seconds since 1970");
  return std::optional(FromUnixMs(std::llround(std::min(seconds, kLatest) * 1000)));
}

bool IsFor(const json& audience, const std::string& wanted) {
  if (audience.is_string()) return audience.get_ref<const std::string&>() == wanted;
  return audience.is_array() && std::find(audience.begin(), audience.end(), json(wanted)) != audience.end();
}

void AddScopes(std::string_view text, bool fleet, std::set<Scope>& scopes) {
  while (!text.empty()) {
    const size_t space = text.find(' ');
    const auto scope = ParseScope(text.substr(0, space));
    // An issuer of users' tokens cannot make a daemon: there the scope counts for nothing.
    if (scope && (fleet || *scope != Scope::kFleet)) scopes.insert(*scope);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
}

StatusOr<std::set<Scope>> Scopes(const json& claims, bool fleet) {
  std::set<Scope> scopes;
  for (const std::string name : {"scope", "scp"}) {
    const auto found = claims.find(name);
    if (found == claims.end()) continue;
    if (found->is_string()) {
      AddScopes(found->get_ref<const std::string&>(), fleet, scopes);
    } else if (found->is_array()) {
      for (const json& scope : *found) {
        if (!scope.is_string()) return Bad(name, "must hold texts");
        AddScopes(scope.get_ref<const std::string&>(), fleet, scopes);
      }
    } else {
      return Bad(name, "must be text or an array of texts");
    }
  }
  return scopes;
}

bool IsTenant(const std::string& text) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return !text.empty() && text.size() <= kMaxTenantBytes && std::all_of(text.begin(), text.end(), allowed);
}

// Who it is: the parts that the caller consists of.
StatusOr<Caller> WhoIs(const json& claims, const ClaimRules& rules) {
  Caller caller;
  if (const auto subject = claims.find("sub"); subject != claims.end()) {
    if (!subject->is_string() || subject->get_ref<const std::string&>().size() > kMaxSubjectBytes) {
      return Bad("sub", "must be text of at most 256 bytes");
    }
    caller.subject = subject->get<std::string>();
  }
  if (const auto tenant = claims.find(rules.tenant_claim); tenant != claims.end()) {
    if (!tenant->is_string() || !IsTenant(tenant->get_ref<const std::string&>())) {
      return Bad(rules.tenant_claim, "must be 1 to 64 characters of A-Z a-z 0-9 - _");
    }
    caller.tenant = tenant->get<std::string>();
  }
  const auto scopes = Scopes(claims, rules.fleet);
  if (!scopes.ok()) return scopes.status();
  caller.scopes = *scopes;
  return caller;
}

}  // namespace

StatusOr<Claims> CheckClaims(std::string_view payload, const ClaimRules& rules, SystemTime now) {
  const json claims = json::parse(payload, nullptr, /*allow_exceptions=*/false);
  if (!claims.is_object()) return MakeError(errors::kTokenMalformed, "the token is malformed: its claims must be a JSON object");
  const auto expires = Date(claims, "exp"), not_before = Date(claims, "nbf"), issued = Date(claims, "iat");
  for (const auto* date : {&expires, &not_before, &issued}) {
    if (!date->ok()) return date->status();
  }
  if (!*expires) return Bad("exp", "is missing: tokens that never expire are not accepted");
  if (now >= **expires + kLeeway) return MakeError(errors::kTokenExpired, "the token has expired");
  if (*not_before && now + kLeeway < **not_before) return MakeError(errors::kTokenNotYetValid, "the token is not valid yet");
  if (*issued && now + kLeeway < **issued) return MakeError(errors::kTokenNotYetValid, "the token was issued in the future");
  const auto audience = claims.find("aud");
  if (audience == claims.end() || !IsFor(*audience, rules.audience)) {
    return MakeError(errors::kTokenAudience, "the token is for another audience");
  }
  if (!rules.issuer.empty() && claims.value("iss", json()) != json(rules.issuer)) {
    return MakeError(errors::kTokenIssuer, "the token is from another issuer");
  }
  const auto caller = WhoIs(claims, rules);
  if (!caller.ok()) return caller.status();
  return Claims{*caller, **expires + kLeeway};
}

}  // namespace vora::auth
