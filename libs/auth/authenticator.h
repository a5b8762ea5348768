#pragma once

// Lets callers in: JSON Web Tokens (RFC 7519) of users and programs, and the fleet's own short-lived tokens or verified TLS peers.

#include <initializer_list>
#include <memory>
#include <string>

#include "libs/core/caller.h"
#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/settings/settings.h"

namespace vora::auth {

struct AuthSettings {
  std::string mode = "jwt";             // VORA_AUTH: jwt or none
  std::string secret;                   // VORA_JWT_SECRET: HS256, at least 32 bytes
  std::string jwks;                     // VORA_JWT_JWKS: file path or https URL of a JWK set (RS256, ES256)
  std::string audience;                 // VORA_JWT_AUDIENCE, required with jwt
  std::string issuer;                   // VORA_JWT_ISSUER; empty: any
  std::string tenant_claim = "tenant";  // VORA_JWT_TENANT_CLAIM; a token without it is of tenant `default`
  std::string fleet_secret;             // VORA_FLEET_SECRET, at least 32 bytes; empty: only TLS peers are fleet

  void Declare(SettingsSchema& schema);
  // Only what a daemon needs that calls others but lets nobody in.
  void DeclareFleet(SettingsSchema& schema);
  // INVALID_ARGUMENT lists every mistake, each naming its setting and what to do.
  Status Check() const;
};

// Thread-safe. The algorithm is that of the key, never the token's word. Refusals are counted (vora_auth_refused_total{reason}) and
// logged without the token.
class Authenticator {
 public:
  // Reads the keys; warns in the log when auth is off. UNAVAILABLE when a JWK set cannot be had at start.
  static StatusOr<std::shared_ptr<Authenticator>> Open(const AuthSettings& settings, obs::Metrics& metrics);
  virtual ~Authenticator() = default;

  // Does no I/O: may be called from I/O threads. UNAUTHENTICATED: no token, malformed, unknown key, bad signature, expired, not yet
  // valid, another audience or issuer. PERMISSION_DENIED names the scope that is missing. With auth off everyone is let in as tenant
  // `default` with every scope.
  virtual StatusOr<Caller> Authorize(const Credentials& credentials, Scope needed) const = 0;
  // The same, where any of several scopes will do.
  virtual StatusOr<Caller> AuthorizeAny(const Credentials& credentials, std::initializer_list<Scope> any_of) const = 0;
  // The value of `authorization` for a call to another daemon; empty when there is no fleet secret.
  virtual std::string FleetAuthorization() const = 0;
  virtual bool enabled() const = 0;
};

}  // namespace vora::auth
