#pragma once

// Who may play a video when playback tokens are switched on.

#include <optional>
#include <string>

#include "libs/auth/playback_token.h"
#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/http/message.h"

namespace vora::gateway {

inline constexpr char kPlayScope[] = "play";

// Thread-safe.
class Access {
 public:
  // Without `tokens` everybody may play everything.
  Access(std::optional<auth::PlaybackTokens> tokens, const Clock& clock);

  bool required() const { return tokens_.has_value(); }
  // Looks at the path (`/t/{token}/...`), then the query `token`, then the cookie `vora_token`. UNAUTHENTICATED: no token, a bad or an
  // expired one. PERMISSION_DENIED: one for another video or scope.
  Status Check(const http::Request& request, const std::string& video_id) const;
  // "?token=..." when the token came by query and so must be handed on in the URIs of playlists; else "".
  std::string UriSuffix(const http::Request& request) const;
  // FAILED_PRECONDITION when tokens are off.
  StatusOr<std::string> Mint(const std::string& video_id, std::chrono::seconds ttl, int64_t* expires_at_unix) const;

 private:
  const std::optional<auth::PlaybackTokens> tokens_;
  const Clock& clock_;
};

// The value of one cookie of a Cookie header (RFC 6265 section 4.2.1).
std::optional<std::string> CookieValue(std::string_view header, std::string_view name);

}  // namespace vora::gateway
