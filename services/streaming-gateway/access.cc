#include "services/streaming-gateway/access.h"

#include <algorithm>
#include <utility>

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/text.h"

namespace vora::gateway {
namespace {

constexpr size_t kMinSecretBytes = 16;

std::optional<std::string> PathToken(const http::Request& request) {
  const auto found = request.params.find("token");
  if (found == request.params.end()) return std::nullopt;
  return found->second;
}

// As it stood in the URL or the cookie.
std::optional<std::string> HeaderToken(const http::Request& request) {
  const auto token = request.headers.Get("X-Vora-Token");
  return token ? PercentDecode(*token) : std::nullopt;
}

std::optional<std::string> QueryToken(const http::Request& request) {
  // The edge takes the token out of the URL, and says where it stood: only from a query it has to be handed on.
  if (request.headers.GetOr("X-Vora-Token-By", "") == "query") return HeaderToken(request);
  return request.Query("token");
}

std::optional<std::string> FindToken(const http::Request& request) {
  if (auto token = PathToken(request)) return token;
  if (auto token = HeaderToken(request)) return token;
  if (auto token = request.Query("token")) return token;
  return CookieValue(request.headers.GetOr("Cookie", ""), "vora_token");
}

}  // namespace

std::optional<std::string> CookieValue(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const size_t semicolon = header.find(';');
    const std::string_view pair = TrimBlanks(header.substr(0, semicolon));
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) return std::string(pair.substr(equals + 1));
    if (semicolon == std::string_view::npos) break;
    header.remove_prefix(semicolon + 1);
  }
  return std::nullopt;
}

StatusOr<std::vector<std::string>> ParseEdgeSecrets(std::string_view text) {
  std::vector<std::string> secrets;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    const std::string_view secret = text.substr(0, comma);
    if (secret.size() < kMinSecretBytes) {
      return InvalidArgument("edge secrets: entry " + std::to_string(secrets.size() + 1) + " has less than 16 bytes");
    }
    const auto plain = [](char c) { return c > ' ' && c < '\x7f' && c != '"'; };
    if (!std::all_of(secret.begin(), secret.end(), plain)) {
      return InvalidArgument("edge secrets: entry " + std::to_string(secrets.size() + 1) + " holds a character that headers do not carry");
    }
    secrets.emplace_back(secret);
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return secrets;
}

Access::Access(std::optional<auth::PlaybackTokens> tokens, const Clock& clock, EdgeTrust edge)
    : tokens_(std::move(tokens)), clock_(clock), edge_(std::move(edge)) {}

bool Access::IsEdge(const http::Request& request) const {
  const std::string given = request.headers.GetOr("X-Vora-Edge", "");
  const auto same = [&](const std::string& secret) { return ConstantTimeEqual(secret, given); };
  return std::any_of(edge_.secrets.begin(), edge_.secrets.end(), same);
}

Status Access::Check(const http::Request& request, const std::string& video_id) const {
  if (!tokens_) return absl::OkStatus();
  // The video as well: the edge vouches for one token's right, not for whatever it asks for.
  if (request.headers.GetOr("X-Vora-Edge-Video", "") == video_id && IsEdge(request)) return absl::OkStatus();
  const auto token = FindToken(request);
  if (!token)
    return Unauthenticated("a playback token is needed: as query parameter `token`, cookie `vora_token` or path /t/{token}/v/...");
  return tokens_->Verify(*token, video_id, kPlayScope, clock_.Now()).status();
}

StatusOr<Verdict> Access::Judge(const http::Request& request, const std::string& video_id) const {
  if (!tokens_) return Verdict{.fresh = edge_.verdict_lifetime};
  const SystemTime now = clock_.Now();
  VORA_ASSIGN_OR_RETURN(const auth::PlaybackClaims claims, tokens_->Verify(HeaderToken(request).value_or(""), video_id, kPlayScope, now));
  // A token of a thousand years is kept like one of a month.
  const auto most = std::chrono::seconds(std::chrono::days(30));
  const auto expiry =
      std::min(std::chrono::seconds(claims.expires_at_unix), std::chrono::ceil<std::chrono::seconds>(now.time_since_epoch()) + most);
  // Rounded down, so that no verdict outlives its token.
  const auto left = std::max(std::chrono::seconds(0), std::chrono::floor<std::chrono::seconds>(expiry - now.time_since_epoch()));
  const auto fresh = std::min(left, edge_.verdict_lifetime);
  return Verdict{.fresh = fresh, .stale = left - fresh};
}

std::string Access::UriSuffix(const http::Request& request) const {
  // Relative URIs keep a token of the path by themselves, and a cookie comes along.
  if (!tokens_ || PathToken(request)) return "";
  const auto token = QueryToken(request);
  return token ? "?token=" + PercentEncode(*token) : "";
}

StatusOr<std::string> Access::Mint(const std::string& video_id, std::chrono::seconds ttl, int64_t* expires_at_unix) const {
  if (!tokens_) return FailedPrecondition("playback tokens are switched off (VORA_PLAYBACK_TOKENS)");
  *expires_at_unix = ToUnixSeconds(clock_.Now() + ttl);
  return tokens_->Sign({video_id, kPlayScope, *expires_at_unix});
}

}  // namespace vora::gateway
