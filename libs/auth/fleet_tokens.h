#pragma once

// The tokens daemons show each other: HS256 over a secret that all of them share, valid for minutes.

#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "libs/auth/json_web_key.h"
#include "libs/core/caller.h"
#include "libs/core/clock.h"

namespace vora::auth {

inline constexpr std::string_view kFleetAudience = "vora-fleet";
inline constexpr std::string_view kFleetKeyId = "vora-fleet";  // tokens that name it are judged by the fleet's secret alone
inline constexpr std::chrono::seconds kFleetTokenLifetime{300};

// Thread-safe.
class FleetTokens {
 public:
  FleetTokens(std::string secret, const Clock& clock);
  bool enabled() const { return !secret_.empty(); }
  // "Bearer ...", the same until half of its life is over; empty without a secret.
  std::string Authorization() const;
  const std::vector<VerificationKey>& keys() const { return keys_; }

 private:
  const std::string secret_;
  const Clock& clock_;
  std::vector<VerificationKey> keys_;
  mutable std::mutex mutex_;
  mutable std::string current_;
  mutable SystemTime renew_at_;
};

}  // namespace vora::auth
