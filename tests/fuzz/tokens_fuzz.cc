// Tokens of callers and players, the claims in them, and the keys that verify them.

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "libs/auth/claims.h"
#include "libs/auth/playback_token.h"
#include "libs/auth/token.h"
#include "libs/core/error.h"
#include "tests/fuzz/require.h"

namespace vora::auth {
namespace {

constexpr char kSecret[] = "a secret that is only for fuzzing";
const SystemTime kNow{std::chrono::seconds(1'700'000'000)};

// Whoever does not know the secret gets nothing in.
void ReadToken(std::string_view text, const std::vector<VerificationKey>& keys) {
  const auto token = ParseToken(text);
  if (!token.ok()) return Require(IsError(token.status(), errors::kTokenMalformed) && !token.status().message().empty());
  if (CheckSignature(text, *token, keys).ok()) Require(text == SignHs256(token->payload, kSecret) && token->algorithm == "HS256");
}

// What is signed here is believed, and no longer when a byte of it changed.
void SignAndBreak(std::string_view text, const std::vector<VerificationKey>& keys) {
  std::string compact = SignHs256(text, kSecret);
  const auto token = ParseToken(compact);
  Require(token.ok() && token->payload == text && CheckSignature(compact, *token, keys).ok());
  char& changed = compact[text.size() * 7 % compact.size()];
  changed = changed == 'A' ? 'B' : 'A';
  const auto broken = ParseToken(compact);
  Require(!broken.ok() || !CheckSignature(compact, *broken, keys).ok());
}

void ReadClaims(std::string_view text) {
  ClaimRules rules;
  rules.audience = "vora";
  const auto claims = CheckClaims(text, rules, kNow);
  if (!claims.ok()) return Require(!claims.status().message().empty());
  const Caller& caller = claims->caller;
  Require(claims->expires > kNow && !caller.tenant.empty() && caller.tenant.size() <= 64 && !caller.Has(Scope::kFleet));
}

void ReadPlayback(std::string_view text) {
  static const PlaybackTokens tokens({{"k1", kSecret}});
  const auto stranger = tokens.Verify(text, "v", "play", kNow);
  if (stranger.ok()) Require(text == tokens.Sign(*stranger));
  const std::string video(text.substr(0, std::min<size_t>(64, text.find('\n'))));
  const std::string token = tokens.Sign({video, "play", 1'800'000'000});
  Require(tokens.Verify(token, video, "play", kNow).ok());
  Require(tokens.Verify(token, video + "x", "play", kNow).status().code() == StatusCode::kPermissionDenied);
  Require(tokens.Verify(token + "A", video, "play", kNow).status().code() == StatusCode::kUnauthenticated);
}

void ReadKeys(std::string_view text) {
  if (const auto keys = ParsePlaybackKeys(text); keys.ok()) {
    std::set<std::string> ids;
    for (const PlaybackKey& key : *keys) Require(ids.insert(key.id).second && key.secret.size() >= 16);
  }
  const auto set = ParseKeySet(text);
  if (!set.ok()) return Require(set.status().code() == StatusCode::kInvalidArgument);
  Require(!set->keys.empty());
  for (const VerificationKey& key : set->keys) Require(key.algorithm() != Algorithm::kHs256);
}

}  // namespace
}  // namespace vora::auth

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  static const std::vector<vora::auth::VerificationKey> keys{vora::auth::VerificationKey::FromSecret(vora::auth::kSecret)};
  vora::auth::ReadToken(text, keys);
  vora::auth::SignAndBreak(text, keys);
  vora::auth::ReadClaims(text);
  vora::auth::ReadPlayback(text);
  vora::auth::ReadKeys(text);
  return 0;
}
