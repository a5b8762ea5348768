#pragma once

// JSON Web Tokens as signed text (JWS, RFC 7515, compact form): taken apart strictly, and checked against keys.

#include <string>
#include <string_view>
#include <vector>

#include "libs/auth/json_web_key.h"
#include "libs/core/error.h"

namespace vora::auth {

inline constexpr size_t kMaxTokenBytes = 8 << 10;

struct Token {
  std::string algorithm;  // as the header says
  std::string key_id;     // `kid`; empty: none
  std::string payload;    // decoded JSON text; to be believed only after CheckSignature
  size_t signature_bytes = 0;
};

// Refuses what is not exactly header.payload.signature in base64url with one spelling per text, headers with `crit` (no extension is known
// here, RFC 7515 section 4.1.11) or with names twice, and tokens above kMaxTokenBytes.
StatusOr<Token> ParseToken(std::string_view compact);

// OK when one of `keys` that fits the token's `kid` has its algorithm and verifies it.
Status CheckSignature(std::string_view compact, const Token& token, const std::vector<VerificationKey>& keys);

// The compact form of `claims` (JSON), signed with HS256.
std::string SignHs256(std::string_view claims, std::string_view secret, std::string_view key_id = {});

}  // namespace vora::auth
