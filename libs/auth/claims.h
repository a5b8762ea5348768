#pragma once

// What a verified token says (RFC 7519 section 4), and whether it holds here and now. Pure.

#include <chrono>
#include <string>
#include <string_view>

#include "libs/core/caller.h"
#include "libs/core/clock.h"
#include "libs/core/error.h"

namespace vora::auth {

inline constexpr std::chrono::seconds kLeeway{30};  // by which clocks may differ

struct ClaimRules {
  std::string audience;  // must be the token's `aud` or among them
  std::string issuer;    // empty: any
  std::string tenant_claim = "tenant";
  bool fleet = false;  // whether the scope `fleet` is believed
};

struct Claims {
  Caller caller;
  SystemTime expires;  // when the token is no longer accepted, leeway included
};

// `payload`: JSON. `exp` is required; `nbf` and `iat` count when they are there. Scopes: `scope` (RFC 8693 section 4.2, separated by
// spaces) or `scp` (an array, or like `scope`); names that are not known here are left out. A tenant has 1 to 64 characters of
// A-Z a-z 0-9 - _.
StatusOr<Claims> CheckClaims(std::string_view payload, const ClaimRules& rules, SystemTime now);

}  // namespace vora::auth
