// Playlists, manifests and storyboards whose URIs get a token: nothing but these pieces comes in, and nothing is lost.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "services/streaming-gateway/manifest/playlist_uris.h"
#include "tests/fuzz/require.h"

namespace {

constexpr char kPrefix = '\x01', kSuffix = '\x02';

using Rewrite = std::string (*)(std::string_view, std::string_view, std::string_view);

void Check(Rewrite rewrite, const std::string& text) {
  Require(rewrite(text, "", "") == text);
  std::string rewritten = rewrite(text, {&kPrefix, 1}, {&kSuffix, 1});
  const auto before = std::count(rewritten.begin(), rewritten.end(), kPrefix),
             behind = std::count(rewritten.begin(), rewritten.end(), kSuffix);
  Require(before == behind && before <= static_cast<std::ptrdiff_t>(text.size()));
  std::erase_if(rewritten, [](char c) { return c == kPrefix || c == kSuffix; });
  Require(rewritten == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string text(reinterpret_cast<const char*>(data), size);
  std::erase_if(text, [](char c) { return c == kPrefix || c == kSuffix; });
  Check(vora::gateway::RewriteHlsUris, text);
  Check(vora::gateway::RewriteDashUris, text);
  Check(vora::gateway::RewriteStoryboardUris, text);
  return 0;
}
