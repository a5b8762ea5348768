#pragma once

// Keys that verify tokens (RFC 7517), each bound to the one algorithm it is good for: the algorithm is the key's, never the token's word.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace vora::auth {

enum class Algorithm { kHs256, kRs256, kEs256 };

std::string_view AlgorithmName(Algorithm algorithm);  // HS256, RS256, ES256 (RFC 7518 section 3.1)

// Immutable, cheap to copy, thread-safe.
class VerificationKey {
 public:
  // HS256 with the bytes of `secret`. No id: fits tokens with any.
  static VerificationKey FromSecret(std::string_view secret);
  // RS256 from an RSA key of 2048 to 8192 bits, ES256 from one on P-256. INVALID_ARGUMENT for everything else, also for secrets ("oct") and
  // for private keys, which have no place in a set that is given to verifiers.
  static StatusOr<VerificationKey> FromJwk(const std::string& json);

  Algorithm algorithm() const { return algorithm_; }
  const std::string& id() const { return id_; }  // `kid`; empty: none
  // Whether `compact` (a JWS in compact form, RFC 7515 section 7.1, whose header names this key's algorithm) is signed with this key.
  bool Verifies(std::string_view compact) const;

 private:
  VerificationKey(Algorithm algorithm, std::string id, std::shared_ptr<const void> key);
  Algorithm algorithm_;
  std::string id_;
  std::shared_ptr<const void> key_;  // cjose_jwk_t
};

struct KeySet {
  std::vector<VerificationKey> keys;
  std::vector<std::string> skipped;  // why members are not used, for the log; names their ids only
};

inline constexpr size_t kMaxKeySetBytes = 256 << 10;
inline constexpr size_t kMaxKeys = 64;

// A JWK set (RFC 7517 section 5). Members that are not for verifying, or of other types, are skipped. INVALID_ARGUMENT when it is not a
// set, is too large, or no usable key is left.
StatusOr<KeySet> ParseKeySet(std::string_view json);

}  // namespace vora::auth
