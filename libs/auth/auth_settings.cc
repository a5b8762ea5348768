#include <string>
#include <string_view>
#include <utility>

#include "libs/auth/authenticator.h"
#include "libs/auth/fleet_tokens.h"
#include "libs/auth/key_source.h"

namespace vora::auth {
namespace {

constexpr size_t kMinHmacSecretBytes = 32;  // RFC 7518 section 3.2: as long as the hash

constexpr std::string_view kExample = "change-me";  // what the secrets of deploy/compose/.env begin with

std::string TooShort(std::string_view setting) {
  return std::string(setting) + ": must have at least 32 bytes, e.g. from `openssl rand -hex 32`";
}

}  // namespace

void AuthSettings::Declare(SettingsSchema& schema) {
  schema.Add(
      "VORA_AUTH", &mode,
      "How callers are let in: jwt, by signed tokens; none, everybody may do everything (warned of at start; only for one's own machine)",
      {.choices = {"jwt", "none"}});
  schema.Add("VORA_JWT_SECRET", &secret, "Secret of tokens signed with HS256, at least 32 bytes; empty: such tokens are refused",
             {.secret = true});
  schema.Add(
      "VORA_JWT_JWKS", &jwks,
      "Keys of tokens signed with RS256 or ES256, as a JWK set: a file (read again when it changes) or an https URL (asked again every "
      "five minutes and when an unknown key is named); empty: such tokens are refused");
  schema.Add("VORA_JWT_AUDIENCE", &audience, "What tokens must name as their audience (`aud`); required with VORA_AUTH=jwt");
  schema.Add("VORA_JWT_ISSUER", &issuer, "What tokens must name as their issuer (`iss`); empty: any");
  schema.Add("VORA_JWT_TENANT_CLAIM", &tenant_claim, "The claim that holds the tenant; tokens without it are of tenant `default`");
  DeclareFleet(schema);
}

void AuthSettings::DeclareFleet(SettingsSchema& schema) {
  schema.Add("VORA_FLEET_SECRET", &fleet_secret,
             "Secret with which daemons sign short-lived tokens for their calls to each other, the same for all, at least 32 bytes; may be "
             "empty where peers show certificates (VORA_TLS_CLIENT_AUTH=require)",
             {.secret = true});
}

Status AuthSettings::Check() const {
  std::string mistakes;
  const auto report = [&mistakes](const std::string& line) { mistakes.append(mistakes.empty() ? "" : "\n").append(line); };
  if (!fleet_secret.empty() && fleet_secret.size() < kMinHmacSecretBytes) report(TooShort("VORA_FLEET_SECRET"));
  if (mode == "jwt") {
    if (secret.empty() && jwks.empty()) {
      report(
          "VORA_JWT_SECRET or VORA_JWT_JWKS: one must be set, so that callers can be let in by their tokens; VORA_AUTH=none lets everybody "
          "in, which is only for one's own machine");
    }
    if (!secret.empty() && secret.size() < kMinHmacSecretBytes) report(TooShort("VORA_JWT_SECRET"));
    if (!secret.empty() && secret == fleet_secret) {
      report("VORA_FLEET_SECRET: must differ from VORA_JWT_SECRET: who signs users' tokens must not be able to pass for a daemon");
    }
    for (const auto& [setting, value] : {std::pair("VORA_JWT_SECRET", &secret), {"VORA_FLEET_SECRET", &fleet_secret}}) {
      if (value->starts_with(kExample)) {
        report(std::string(setting) + ": is that of the example, which everybody knows; make one with `openssl rand -hex 32`");
      }
    }
    if (audience.empty()) report("VORA_JWT_AUDIENCE: must be set to what tokens name as their audience (`aud`)");
    if (audience == kFleetAudience) report("VORA_JWT_AUDIENCE: must not be " + std::string(kFleetAudience) + ", which is that of daemons");
    if (tenant_claim.empty()) report("VORA_JWT_TENANT_CLAIM: must not be empty");
    if (const Status place = CheckKeyLocation(jwks); !jwks.empty() && !place.ok()) report("VORA_JWT_JWKS: " + Message(place));
  } else if (mode != "none") {
    report("VORA_AUTH=" + mode + ": must be one of: jwt, none");
  }
  return mistakes.empty() ? absl::OkStatus() : InvalidArgument(mistakes);
}

}  // namespace vora::auth
