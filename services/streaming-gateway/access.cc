#include "services/streaming-gateway/access.h"

#include <utility>

#include "libs/core/encoding.h"

namespace vora::gateway {
namespace {

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::optional<std::string> PathToken(const http::Request& request) {
  const auto found = request.params.find("token");
  if (found == request.params.end()) return std::nullopt;
  return found->second;
}

std::optional<std::string> FindToken(const http::Request& request) {
  if (auto token = PathToken(request)) return token;
  if (auto token = request.Query("token")) return token;
  return CookieValue(request.headers.GetOr("Cookie", ""), "vora_token");
}

}  // namespace

std::optional<std::string> CookieValue(std::string_view header, std::string_view name) {
  while (!header.empty()) {
    const size_t semicolon = header.find(';');
    const std::string_view pair = Trim(header.substr(0, semicolon));
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) return std::string(pair.substr(equals + 1));
    if (semicolon == std::string_view::npos) break;
    header.remove_prefix(semicolon + 1);
  }
  return std::nullopt;
}

Access::Access(std::optional<auth::PlaybackTokens> tokens, const Clock& clock) : tokens_(std::move(tokens)), clock_(clock) {}

Status Access::Check(const http::Request& request, const std::string& video_id) const {
  if (!tokens_) return absl::OkStatus();
  const auto token = FindToken(request);
  if (!token)
    return Unauthenticated("a playback token is needed: as query parameter `token`, cookie `vora_token` or path /t/{token}/v/...");
  return tokens_->Verify(*token, video_id, kPlayScope, clock_.Now()).status();
}

std::string Access::UriSuffix(const http::Request& request) const {
  if (!tokens_ || PathToken(request)) return "";
  const auto token = request.Query("token");
  return token ? "?token=" + PercentEncode(*token) : "";
}

StatusOr<std::string> Access::Mint(const std::string& video_id, std::chrono::seconds ttl, int64_t* expires_at_unix) const {
  if (!tokens_) return FailedPrecondition("playback tokens are switched off (VORA_PLAYBACK_TOKENS)");
  *expires_at_unix = std::chrono::system_clock::to_time_t(clock_.Now() + ttl);
  return tokens_->Sign({video_id, kPlayScope, *expires_at_unix});
}

}  // namespace vora::gateway
