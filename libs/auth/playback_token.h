#pragma once

// Playback tokens: HMAC-SHA256 over key id, video, scope and expiry, as text safe in URLs, cookies and paths. Keys rotate: the first
// key signs, all keys verify.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"

namespace vora::auth {

struct PlaybackKey {
  std::string id;      // 1 to 16 characters of [A-Za-z0-9_-]
  std::string secret;  // at least 16 bytes
};

// Parses "id1:secret1,id2:secret2" (secret as hex or plain text). INVALID_ARGUMENT names the entry, never the secret.
StatusOr<std::vector<PlaybackKey>> ParsePlaybackKeys(std::string_view text);

struct PlaybackClaims {
  std::string video_id;
  std::string scope = "play";
  int64_t expires_at_unix = 0;
};

class PlaybackTokens {
 public:
  explicit PlaybackTokens(std::vector<PlaybackKey> keys);
  std::string Sign(const PlaybackClaims& claims) const;
  // UNAUTHENTICATED: malformed, unknown key or bad signature, expired. PERMISSION_DENIED: another video or scope.
  StatusOr<PlaybackClaims> Verify(std::string_view token, std::string_view video_id, std::string_view scope, SystemTime now) const;

 private:
  std::vector<PlaybackKey> keys_;
};

}  // namespace vora::auth
