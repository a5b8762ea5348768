#include "services/streaming-gateway/manifest/playlist_uris.h"

#include <algorithm>

namespace vora::gateway {
namespace {

// `text` with every value between `opening` and the next `closing` wrapped.
std::string Wrap(std::string_view text, std::string_view opening, char closing, std::string_view prefix, std::string_view suffix) {
  std::string out;
  while (true) {
    const size_t at = text.find(opening);
    const size_t end = at == std::string_view::npos ? at : text.find(closing, at + opening.size());
    if (end == std::string_view::npos) break;
    out += text.substr(0, at + opening.size());
    out += prefix;
    out += text.substr(at + opening.size(), end - at - opening.size());
    out += suffix;
    text.remove_prefix(end);
  }
  out += text;
  return out;
}

}  // namespace

std::string RewriteHlsUris(std::string_view playlist, std::string_view prefix, std::string_view suffix) {
  std::string out;
  while (!playlist.empty()) {
    const size_t newline = playlist.find('\n');
    const std::string_view line = playlist.substr(0, newline);
    // RFC 8216 section 4.1: a line is blank, begins with # (a tag, which may hold a URI), or is a URI.
    if (line.starts_with('#')) {
      out += Wrap(line, "URI=\"", '"', prefix, suffix);
    } else if (!line.empty()) {
      out += prefix;
      out += line;
      out += suffix;
    }
    if (newline == std::string_view::npos) break;
    out += '\n';
    playlist.remove_prefix(newline + 1);
  }
  return out;
}

std::string RewriteDashUris(std::string_view mpd, std::string_view prefix, std::string_view suffix) {
  const std::string templates = Wrap(Wrap(mpd, " initialization=\"", '"', prefix, suffix), " media=\"", '"', prefix, suffix);
  return Wrap(templates, "<BaseURL>", '<', prefix, suffix);
}

std::string RewriteStoryboardUris(std::string_view vtt, std::string_view prefix, std::string_view suffix) {
  std::string out;
  while (!vtt.empty()) {
    const size_t newline = std::min(vtt.find('\n'), vtt.size());
    const std::string_view line = vtt.substr(0, newline);
    // Of a storyboard only the lines that name pictures have such a fragment (Media Fragments URI 1.0, section 4.2.2).
    const size_t fragment = line.find("#xywh=");
    if (fragment == std::string_view::npos) {
      out += line;
    } else {
      out.append(prefix).append(line.substr(0, fragment)).append(suffix).append(line.substr(fragment));
    }
    if (newline < vtt.size()) out += '\n';
    vtt.remove_prefix(std::min(newline + 1, vtt.size()));
  }
  return out;
}

}  // namespace vora::gateway
