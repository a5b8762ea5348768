#include "services/streaming-gateway/objects/object_path.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace vora::gateway {
namespace {

constexpr std::string_view kHls = "application/vnd.apple.mpegurl";
constexpr std::string_view kDashType = "application/dash+xml";
constexpr size_t kMaxTrackName = 32;
constexpr size_t kMaxNumber = 7;  // digits

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Decimal without leading zeros, so that every object has one URL.
bool IsNumber(std::string_view text) {
  if (text.empty() || text.size() > kMaxNumber || (text.size() > 1 && text[0] == '0')) return false;
  return std::all_of(text.begin(), text.end(), IsDigit);
}

bool IsNumbered(std::string_view file, std::string_view prefix, std::string_view suffix) {
  return file.size() > prefix.size() + suffix.size() && file.starts_with(prefix) && file.ends_with(suffix) &&
         IsNumber(file.substr(prefix.size(), file.size() - prefix.size() - suffix.size()));
}

bool IsRevision(std::string_view text) { return text.starts_with('r') && IsNumber(text.substr(1)) && text != "r0"; }

bool IsTrackName(std::string_view text) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= kMaxTrackName && std::all_of(text.begin(), text.end(), allowed) && !IsRevision(text);
}

bool SetTopFile(ObjectPath& path) {
  const std::string& file = path.file;
  if (file == "master.m3u8") return path.kind = ObjectKind::kMaster, path.content_type = kHls, true;
  if (file == "manifest.mpd") return path.kind = ObjectKind::kDash, path.content_type = kDashType, true;
  path.kind = ObjectKind::kPicture;
  if (file == "poster.jpg" || IsNumbered(file, "storyboard_", ".jpg")) return path.content_type = "image/jpeg", true;
  if (file == "storyboard.vtt") return path.kind = ObjectKind::kStoryboard, path.content_type = "text/vtt", true;
  return false;
}

bool SetTrackFile(ObjectPath& path) {
  const std::string& file = path.file;
  if (file == "playlist.m3u8") return path.kind = ObjectKind::kMediaPlaylist, path.content_type = kHls, true;
  path.kind = ObjectKind::kSegment;
  if (file == "iframes.m3u8") return path.content_type = kHls, true;
  if (file == "init.mp4") return path.content_type = "video/mp4", true;
  if (IsNumbered(file, "seg_", ".m4s")) return path.content_type = "video/iso.segment", true;
  if (IsNumbered(file, "seg_", ".ts")) return path.content_type = "video/mp2t", true;
  if (IsNumbered(file, "seg_", ".vtt")) return path.content_type = "text/vtt", true;
  return false;
}

}  // namespace

std::string ObjectPath::Relative() const { return revision + (track.empty() ? "" : track + "/") + file; }

std::optional<int32_t> ObjectPath::SegmentIndex() const {
  constexpr std::string_view kPrefix = "seg_";
  if (!file.starts_with(kPrefix)) return std::nullopt;
  int32_t index = 0;
  const char* const end = file.data() + file.size();
  const auto [stopped, error] = std::from_chars(file.data() + kPrefix.size(), end, index);
  if (error != std::errc() || stopped == end || *stopped != '.') return std::nullopt;
  return index;
}

std::optional<ObjectPath> ParseObjectPath(std::string_view rest) {
  ObjectPath path;
  size_t slash = rest.find('/');
  if (slash != std::string_view::npos && IsRevision(rest.substr(0, slash))) {
    path.revision = rest.substr(0, slash + 1);
    rest.remove_prefix(slash + 1);
    slash = rest.find('/');
  }
  if (slash != std::string_view::npos) {
    path.track = rest.substr(0, slash);
    rest.remove_prefix(slash + 1);
    if (!IsTrackName(path.track)) return std::nullopt;
  }
  path.file = rest;
  const bool known = path.track.empty() ? SetTopFile(path) : SetTrackFile(path);
  if (!known) return std::nullopt;
  return path;
}

std::string ObjectKey(std::string_view video_id, const ObjectPath& path) {
  return "processed/" + std::string(video_id) + "/" + path.Relative();
}

}  // namespace vora::gateway
