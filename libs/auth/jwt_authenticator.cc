#include "libs/auth/jwt_authenticator.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/auth/claims.h"
#include "libs/auth/fleet_tokens.h"
#include "libs/auth/key_source.h"
#include "libs/auth/open_access.h"
#include "libs/auth/refusals.h"
#include "libs/auth/token.h"
#include "libs/auth/token_cache.h"
#include "libs/core/text.h"
#include "libs/log/log.h"

namespace vora::auth {
namespace {

constexpr size_t kCachedTokens = 20'000;

ClaimRules UserRules(const AuthSettings& settings) { return {settings.audience, settings.issuer, settings.tenant_claim, /*fleet=*/false}; }

// The tenant of a fleet token is the default one: what a daemon may see, each service decides by the scope.
ClaimRules FleetRules() { return {std::string(kFleetAudience), "", "tenant", /*fleet=*/true}; }

// RFC 6750 section 2.1; the scheme's name compares without case (RFC 9110 section 11.1).
StatusOr<std::string_view> BearerToken(std::string_view authorization) {
  constexpr std::string_view kScheme = "Bearer ";
  if (authorization.empty()) return MakeError(errors::kTokenMissing, "a token is needed: send the header `Authorization: Bearer` with one");
  if (authorization.size() <= kScheme.size() || !EqualsIgnoreCase(authorization.substr(0, kScheme.size()), kScheme)) {
    return MakeError(errors::kTokenMalformed, "the header `Authorization` must be `Bearer` and a token");
  }
  return authorization.substr(kScheme.size());
}

class JwtAuthenticator : public Authenticator {
 public:
  JwtAuthenticator(const AuthSettings& settings, std::unique_ptr<KeySource> source, obs::Metrics& metrics, const Clock& clock)
      : clock_(clock),
        user_rules_(UserRules(settings)),
        fleet_(settings.fleet_secret, clock),
        source_(std::move(source)),
        refusals_(metrics),
        cache_(kCachedTokens) {
    if (!settings.secret.empty()) secret_keys_.push_back(VerificationKey::FromSecret(settings.secret));
  }

  StatusOr<Caller> Authorize(const Credentials& credentials, Scope needed) const override { return AuthorizeAny(credentials, {needed}); }

  StatusOr<Caller> AuthorizeAny(const Credentials& credentials, std::initializer_list<Scope> any_of) const override {
    StatusOr<Caller> caller = WhoIs(credentials);
    if (!caller.ok()) return refusals_.Refuse(caller.status());
    const bool has_one = std::any_of(any_of.begin(), any_of.end(), [&](Scope scope) { return caller->Has(scope); });
    if (!has_one) return refusals_.Deny(*caller, any_of);
    return *caller;
  }

  std::string FleetAuthorization() const override { return fleet_.Authorization(); }
  bool enabled() const override { return true; }

 private:
  StatusOr<Caller> WhoIs(const Credentials& credentials) const {
    // Who shows a token is judged by it, also over a connection of the fleet: a proxy's certificate must not make its clients daemons.
    if (credentials.authorization.empty() && credentials.tls_peer) {
      Caller caller;
      caller.subject = *credentials.tls_peer;
      caller.scopes = {Scope::kFleet};
      return caller;
    }
    const auto text = BearerToken(credentials.authorization);
    if (!text.ok()) return text.status();
    const SystemTime now = clock_.Now();
    // One snapshot for look-up, verification and entry: keys that change meanwhile leave no claims of old keys under the new generation.
    const auto snapshot = source_ ? source_->keys() : nullptr;
    const uint64_t generation = snapshot ? snapshot->generation : 0;
    if (auto known = cache_.Find(*text, generation, now)) return std::move(known->caller);
    const StatusOr<Claims> claims = Verify(*text, snapshot.get(), now);
    if (!claims.ok()) return claims.status();
    cache_.Put(*text, generation, *claims);
    return claims->caller;
  }

  StatusOr<Claims> Verify(std::string_view text, const KeySource::Snapshot* snapshot, SystemTime now) const {
    const auto token = ParseToken(text);
    if (!token.ok()) return token.status();
    // By the fleet's secret alone, and its secret for nothing else: neither kind of token can pass for the other.
    if (fleet_.enabled() && token->key_id == kFleetKeyId) {
      const auto genuine = CheckSignature(text, *token, fleet_.keys());
      if (!genuine.ok()) return genuine;
      return CheckClaims(token->payload, FleetRules(), now);
    }
    std::vector<VerificationKey> keys = secret_keys_;
    if (snapshot != nullptr) keys.insert(keys.end(), snapshot->keys.begin(), snapshot->keys.end());
    const auto genuine = CheckSignature(text, *token, keys);
    if (genuine.ok()) return CheckClaims(token->payload, user_rules_, now);
    // The issuer may have changed its keys. That anybody can cause this is bounded by the source (retry_interval).
    if (source_) source_->Suspect();
    return genuine;
  }

  const Clock& clock_;
  const ClaimRules user_rules_;
  const FleetTokens fleet_;
  const std::unique_ptr<KeySource> source_;
  const Refusals refusals_;
  std::vector<VerificationKey> secret_keys_;
  mutable TokenCache cache_;
};

}  // namespace

StatusOr<std::shared_ptr<Authenticator>> OpenJwt(const AuthSettings& settings, obs::Metrics& metrics, const Clock& clock) {
  VORA_RETURN_IF_ERROR(settings.Check());
  std::unique_ptr<KeySource> source;
  if (!settings.jwks.empty()) {
    KeySourceOptions options;
    options.location = settings.jwks;
    VORA_ASSIGN_OR_RETURN(source, KeySource::Open(std::move(options), metrics));
  }
  return std::make_shared<JwtAuthenticator>(settings, std::move(source), metrics, clock);
}

StatusOr<std::shared_ptr<Authenticator>> Authenticator::Open(const AuthSettings& settings, obs::Metrics& metrics) {
  if (settings.mode != "none") return OpenJwt(settings, metrics, Clock::Real());
  VORA_RETURN_IF_ERROR(settings.Check());
  log::Warn("auth is off (VORA_AUTH=none): everybody who reaches this daemon may do everything");
  return OpenAccess(settings.fleet_secret);
}

}  // namespace vora::auth
