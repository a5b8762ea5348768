#include "libs/layout/layout.h"

#include <algorithm>
#include <charconv>
#include <initializer_list>
#include <system_error>

namespace vora::layout {
namespace {

constexpr std::string_view kSegmentStem = "seg_";
constexpr size_t kMaxTrackName = 32;
constexpr size_t kMaxRevisionDigits = 7;

bool IsDecimal(char c) { return c >= '0' && c <= '9'; }

bool IsNameCharacter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDecimal(c) || c == '_' || c == '-'; }

std::string Joined(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (const std::string_view part : parts) text.append(part);
  return text;
}

}  // namespace

std::string RawFolder(std::string_view upload_id) { return Joined({kRawPrefix, upload_id, "/"}); }
std::string OriginalKey(std::string_view upload_id) { return RawFolder(upload_id) + "original"; }
std::string StateKey(std::string_view upload_id) { return RawFolder(upload_id) + "state"; }
std::string TailKey(std::string_view upload_id, int64_t number) { return RawFolder(upload_id) + "tail." + std::to_string(number); }
std::string OpenKey(std::string_view upload_id) { return Joined({kOpenPrefix, upload_id}); }
std::string AnnounceKey(std::string_view upload_id) { return Joined({kAnnouncePrefix, upload_id}); }

std::optional<std::string> UploadOf(std::string_view key) {
  for (const std::string_view prefix : {kRawPrefix, kOpenPrefix, kAnnouncePrefix}) {
    if (!key.starts_with(prefix)) continue;
    key.remove_prefix(prefix.size());
    const std::string_view id = key.substr(0, key.find('/'));
    return id.empty() ? std::nullopt : std::optional<std::string>(id);
  }
  return std::nullopt;
}

std::optional<std::string> UploadOfStateKey(std::string_view key) {
  auto id = UploadOf(key);
  return id && key == StateKey(*id) ? id : std::nullopt;
}

std::string ProbeKey(std::string_view id) { return Joined({kProbePrefix, "conditional-put-", id}); }

std::string VideoFolder(std::string_view video_id) { return Joined({kProcessedPrefix, video_id, "/"}); }
std::string ObjectPrefix(std::string_view video_id) { return Joined({kProcessedPrefix, video_id}); }
std::string RevisionPrefix(std::string_view video_id, int revision) {
  return Joined({ObjectPrefix(video_id), "/r", std::to_string(revision)});
}

std::string RevisionFolder(std::string_view video_id, std::string_view object_prefix) {
  const std::string base = VideoFolder(video_id);
  if (object_prefix.size() <= base.size() || !object_prefix.starts_with(base)) return "";
  return Joined({object_prefix.substr(base.size()), "/"});
}

bool IsRevision(std::string_view name) {
  // No leading zero, so that each revision has one name and its objects one URL.
  if (!name.starts_with('r') || name.size() < 2 || name.size() > kMaxRevisionDigits + 1 || name[1] == '0') return false;
  return std::all_of(name.begin() + 1, name.end(), IsDecimal);
}

bool IsTrackName(std::string_view name) {
  return !name.empty() && name.size() <= kMaxTrackName && std::all_of(name.begin(), name.end(), IsNameCharacter) && !IsRevision(name);
}

std::string_view FileOf(std::string_view key) { return key.substr(key.rfind('/') + 1); }

std::string StoryboardSheet(int index) { return "storyboard_" + std::to_string(index) + ".jpg"; }
std::string InPrefix(std::string_view object_prefix, std::string_view file) { return Joined({object_prefix, "/", file}); }

std::string Segment(int64_t index) { return Joined({kSegmentStem, std::to_string(index), ".m4s"}); }

std::optional<int32_t> SegmentIndex(std::string_view file) {
  if (!file.starts_with(kSegmentStem)) return std::nullopt;
  file.remove_prefix(kSegmentStem.size());
  int32_t index = 0;
  const char* const end = file.data() + file.size();
  const auto [stopped, error] = std::from_chars(file.data(), end, index);
  if (error != std::errc() || stopped == end || *stopped != '.' || index < 0) return std::nullopt;
  return index;
}

std::string InTrack(std::string_view object_prefix, std::string_view track, std::string_view file) {
  return Joined({object_prefix, "/", track, "/", file});
}

}  // namespace vora::layout
