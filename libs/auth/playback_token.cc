#include "libs/auth/playback_token.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"

// Token: v1.{key id}.{base64url(video \n scope \n expiry)}.{base64url(HMAC-SHA256 over all before the last dot)}
namespace vora::auth {
namespace {

constexpr std::string_view kVersion = "v1";
constexpr size_t kMinPlaybackSecretBytes = 16;
constexpr size_t kMaxKeyId = 16;
constexpr size_t kMaxPlaybackTokenBytes = 512;

bool IsKeyId(std::string_view id) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !id.empty() && id.size() <= kMaxKeyId && std::all_of(id.begin(), id.end(), allowed);
}

template <size_t N>
std::optional<std::array<std::string_view, N>> SplitExactly(std::string_view text, char separator) {
  std::array<std::string_view, N> parts;
  for (size_t i = 0; i + 1 < N; ++i) {
    const size_t at = text.find(separator);
    if (at == std::string_view::npos) return std::nullopt;
    parts[i] = text.substr(0, at);
    text.remove_prefix(at + 1);
  }
  if (text.find(separator) != std::string_view::npos) return std::nullopt;
  parts[N - 1] = text;
  return parts;
}

std::optional<PlaybackClaims> ParseClaims(std::string_view payload) {
  const auto parts = SplitExactly<3>(payload, '\n');
  if (!parts) return std::nullopt;
  PlaybackClaims claims{std::string((*parts)[0]), std::string((*parts)[1]), 0};
  const std::string_view expiry = (*parts)[2];
  const auto [end, error] = std::from_chars(expiry.data(), expiry.data() + expiry.size(), claims.expires_at_unix);
  if (error != std::errc() || end != expiry.data() + expiry.size()) return std::nullopt;
  return claims;
}

Status BadEntry(size_t number, std::string_view problem) {
  return InvalidArgument("playback keys: entry " + std::to_string(number) + " " + std::string(problem));
}

}  // namespace

StatusOr<std::vector<PlaybackKey>> ParsePlaybackKeys(std::string_view text) {
  std::vector<PlaybackKey> keys;
  size_t number = 0;
  while (true) {
    ++number;
    const size_t comma = text.find(',');
    const std::string_view entry = text.substr(0, comma);
    const size_t colon = entry.find(':');
    if (colon == std::string_view::npos) return BadEntry(number, "must be id:secret");
    const std::string_view id = entry.substr(0, colon);
    std::string secret(entry.substr(colon + 1));
    if (!IsKeyId(id)) return BadEntry(number, "has a bad id: 1 to 16 characters of A-Z a-z 0-9 _ -");
    // A secret that is all hex digits means the bytes; the other daemons, and whoever signs elsewhere, must read it the same way.
    if (const auto bytes = HexDecode(secret); bytes && bytes->size() >= kMinPlaybackSecretBytes) secret = *bytes;
    if (secret.size() < kMinPlaybackSecretBytes) {
      return BadEntry(number, "(id " + std::string(id) + ") has a secret of less than 16 bytes (or 32 hex digits)");
    }
    const auto same_id = [&](const PlaybackKey& key) { return key.id == id; };
    if (std::any_of(keys.begin(), keys.end(), same_id)) return BadEntry(number, "repeats the id " + std::string(id));
    keys.push_back({std::string(id), std::move(secret)});
    if (comma == std::string_view::npos) return keys;
    text.remove_prefix(comma + 1);
  }
}

PlaybackTokens::PlaybackTokens(std::vector<PlaybackKey> keys) : keys_(std::move(keys)) {}

std::string PlaybackTokens::Sign(const PlaybackClaims& claims) const {
  const PlaybackKey& key = keys_.at(0);
  const std::string payload = claims.video_id + "\n" + claims.scope + "\n" + std::to_string(claims.expires_at_unix);
  const std::string head = std::string(kVersion) + "." + key.id + "." + Base64UrlEncode(payload);
  return head + "." + Base64UrlEncode(HmacSha256(key.secret, head));
}

StatusOr<PlaybackClaims> PlaybackTokens::Verify(std::string_view token, std::string_view video_id, std::string_view scope,
                                                SystemTime now) const {
  if (token.size() > kMaxPlaybackTokenBytes) return Unauthenticated("playback token is malformed");
  const auto parts = SplitExactly<4>(token, '.');
  if (!parts || (*parts)[0] != kVersion) return Unauthenticated("playback token is malformed");
  const std::string_view key_id = (*parts)[1], payload = (*parts)[2], signature = (*parts)[3];
  const auto key = std::find_if(keys_.begin(), keys_.end(), [&](const PlaybackKey& k) { return k.id == key_id; });
  if (key == keys_.end()) return Unauthenticated("playback token is signed with an unknown key");
  const std::string_view head = token.substr(0, token.size() - signature.size() - 1);
  // The text is compared, not the bytes: base64 has several spellings of the same bytes, and one token should have one.
  if (!ConstantTimeEqual(Base64UrlEncode(HmacSha256(key->secret, head)), signature)) {
    return Unauthenticated("playback token has a bad signature");
  }
  // Only now: nothing that a stranger wrote is parsed.
  const auto decoded = Base64UrlDecode(payload);
  const auto claims = decoded ? ParseClaims(*decoded) : std::nullopt;
  if (!claims) return Unauthenticated("playback token is malformed");
  if (ToUnixSeconds(now) >= claims->expires_at_unix) return Unauthenticated("playback token has expired");
  if (claims->video_id != video_id) return PermissionDenied("playback token is for another video");
  if (claims->scope != scope) return PermissionDenied("playback token is for another scope");
  return *claims;
}

}  // namespace vora::auth
