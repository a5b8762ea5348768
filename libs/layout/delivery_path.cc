#include "libs/layout/delivery_path.h"

#include <algorithm>
#include <string_view>

#include "libs/layout/layout.h"

namespace vora::layout {
namespace {

constexpr std::string_view kHls = "application/vnd.apple.mpegurl";
constexpr std::string_view kDashType = "application/dash+xml";
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

// What lies above the tracks: `{n}` in a name stands for a number.
struct TopFile {
  std::string_view name;
  ObjectKind kind;
  std::string_view content_type;
};
constexpr TopFile kTopFiles[] = {
    {kMasterPlaylist, ObjectKind::kMaster, kHls},
    {kDashManifest, ObjectKind::kDash, kDashType},
    {kPoster, ObjectKind::kPart, "image/jpeg"},
    {kStoryboard, ObjectKind::kStoryboard, "text/vtt"},
    {"storyboard_{n}.jpg", ObjectKind::kPart, "image/jpeg"},
    {kDownload, ObjectKind::kDownload, "video/mp4"},
};

bool Matches(std::string_view file, std::string_view name) {
  constexpr std::string_view kNumber = "{n}";
  const size_t at = name.find(kNumber);
  return at == std::string_view::npos ? file == name : IsNumbered(file, name.substr(0, at), name.substr(at + kNumber.size()));
}

bool SetTopFile(DeliveryPath& path) {
  const auto* found =
      std::find_if(std::begin(kTopFiles), std::end(kTopFiles), [&](const TopFile& top) { return Matches(path.file, top.name); });
  if (found == std::end(kTopFiles)) return false;
  path.kind = found->kind;
  path.content_type = found->content_type;
  return true;
}

bool SetTrackFile(DeliveryPath& path) {
  const std::string& file = path.file;
  if (file == kMediaPlaylist) return path.kind = ObjectKind::kMediaPlaylist, path.content_type = kHls, true;
  path.kind = ObjectKind::kSegment;
  if (file == kIframePlaylist) return path.content_type = kHls, true;
  if (file == kInit) return path.content_type = "video/mp4", true;
  if (IsNumbered(file, "seg_", ".m4s")) return path.content_type = "video/iso.segment", true;
  if (IsNumbered(file, "seg_", ".ts")) return path.content_type = "video/mp2t", true;
  if (IsNumbered(file, "seg_", ".vtt")) return path.content_type = "text/vtt", true;
  return false;
}

}  // namespace

std::string DeliveryPath::Relative() const { return revision + (track.empty() ? "" : track + "/") + file; }

std::optional<int32_t> DeliveryPath::SegmentIndex() const { return layout::SegmentIndex(file); }

std::optional<DeliveryPath> ParseDeliveryPath(std::string_view rest) {
  DeliveryPath path;
  size_t slash = rest.find('/');
  // The revision first: no track may be named like one (IsTrackName), so the two cannot be confused.
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

std::string ObjectKey(std::string_view video_id, const DeliveryPath& path) { return VideoFolder(video_id) + path.Relative(); }

}  // namespace vora::layout
