#include "libs/auth/refusal.h"

namespace vora::auth {

std::string_view ReasonName(Reason reason) {
  switch (reason) {
    case Reason::kMissing:
      return "missing";
    case Reason::kMalformed:
      return "malformed";
    case Reason::kAlgorithm:
      return "algorithm";
    case Reason::kUnknownKey:
      return "unknown_key";
    case Reason::kSignature:
      return "signature";
    case Reason::kExpired:
      return "expired";
    case Reason::kNotYetValid:
      return "not_yet_valid";
    case Reason::kAudience:
      return "audience";
    case Reason::kIssuer:
      return "issuer";
    case Reason::kClaims:
      return "claims";
    case Reason::kScope:
      return "scope";
  }
  return "unknown";
}

}  // namespace vora::auth
