#pragma once

// Who may play a video when playback tokens are switched on.

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "libs/auth/playback_token.h"
#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/http/message/message.h"

namespace vora::gateway {

inline constexpr char kPlayScope[] = "play";

// How an edge that checks tokens by asking for verdicts is known, and for how long it may go by one.
struct EdgeTrust {
  std::vector<std::string> secrets;  // any of them; none: no edge is believed
  std::chrono::seconds verdict_lifetime{60};
};

// VORA_EDGE_SECRET: secrets of 16 bytes or more, separated by commas. INVALID_ARGUMENT names the entry, never the secret.
StatusOr<std::vector<std::string>> ParseEdgeSecrets(std::string_view text);

// For how long a token's verdict may be kept: `fresh`, and beyond it `stale` while the gateway is away. Together never longer than the
// token lives.
struct Verdict {
  std::chrono::seconds fresh{0}, stale{0};
};

// Thread-safe.
class Access {
 public:
  // Without `tokens` everybody may play everything.
  Access(std::optional<auth::PlaybackTokens> tokens, const Clock& clock, EdgeTrust edge = {});

  bool required() const { return tokens_.has_value(); }
  // OK for a request that the edge vouches for (IsEdge, and X-Vora-Edge-Video names this video). Else looks for a token: the path
  // (`/t/{token}/...`), the header X-Vora-Token (the edge's way to hand on one), the query `token`, the cookie `vora_token`.
  // UNAUTHENTICATED: no token, a bad or an expired one. PERMISSION_DENIED: one for another video or scope.
  Status Check(const http::Request& request, const std::string& video_id) const;
  // Whether X-Vora-Edge holds one of the secrets.
  bool IsEdge(const http::Request& request) const;
  // What Check says of the request's token, to be kept by the edge.
  StatusOr<Verdict> Judge(const http::Request& request, const std::string& video_id) const;
  // "?token=..." when the token came by query and so must be handed on in the URIs of playlists; else "".
  std::string UriSuffix(const http::Request& request) const;
  // FAILED_PRECONDITION when tokens are off.
  StatusOr<std::string> Mint(const std::string& video_id, std::chrono::seconds ttl, int64_t* expires_at_unix) const;

 private:
  const std::optional<auth::PlaybackTokens> tokens_;
  const Clock& clock_;
  const EdgeTrust edge_;
};

// The value of one cookie of a Cookie header (RFC 6265 section 4.2.1).
std::optional<std::string> CookieValue(std::string_view header, std::string_view name);

}  // namespace vora::gateway
