#include "libs/auth/fleet_tokens.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "libs/auth/token.h"

namespace vora::auth {

FleetTokens::FleetTokens(std::string secret, const Clock& clock) : secret_(std::move(secret)), clock_(clock) {
  if (enabled()) keys_.push_back(VerificationKey::FromSecret(secret_));
}

std::string FleetTokens::Authorization() const {
  if (!enabled()) return "";
  const SystemTime now = clock_.Now();
  const std::lock_guard lock(mutex_);
  // Also renewed when the clock was set back: peers would take it for one of the future.
  if (current_.empty() || now >= renew_at_ || now + kFleetTokenLifetime < renew_at_) {
    const int64_t seconds = ToUnixSeconds(now);
    const nlohmann::ordered_json claims = {{"sub", "daemon"},
                                           {"aud", kFleetAudience},
                                           {"scope", ScopeName(Scope::kFleet)},
                                           {"iat", seconds},
                                           {"exp", seconds + kFleetTokenLifetime.count()}};
    current_ = "Bearer " + SignHs256(claims.dump(), secret_, kFleetKeyId);
    // The other half is for calls that are under way, and for clocks that differ.
    renew_at_ = now + kFleetTokenLifetime / 2;
  }
  return current_;
}

}  // namespace vora::auth
