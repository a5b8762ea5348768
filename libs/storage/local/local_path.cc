#include "libs/storage/local/local_path.h"

#include <algorithm>

namespace vora::storage {
namespace {

// Below the 255 bytes that file systems allow, with room for the mark.
constexpr size_t kSplitBytes = 200;
constexpr std::string_view kMarks = "@^~";

bool NeedsFolderMark(std::string_view name) { return name.empty() || name.front() == '.' || kMarks.find(name.back()) != kMarks.npos; }

void AppendFolder(std::string& path, std::string_view name, char mark) {
  if (!path.empty()) path += '/';
  path += name;
  if (mark != 0) path += mark;
}

}  // namespace

LocalPath ToLocalPath(std::string_view key) {
  LocalPath path;
  while (true) {
    size_t slash = key.find('/');
    std::string_view segment = key.substr(0, slash);
    // Also at exactly 200 bytes, which leaves an empty rest: so a folder with '~' always has 200, and the way back is unambiguous.
    for (; segment.size() >= kSplitBytes; segment.remove_prefix(kSplitBytes)) {
      AppendFolder(path.folder, segment.substr(0, kSplitBytes), '~');
    }
    if (slash == key.npos) {
      path.name = std::string(segment) + '@';
      if (path.folder.empty()) path.folder = std::string(1, '.');
      return path;
    }
    AppendFolder(path.folder, segment, NeedsFolderMark(segment) ? '^' : '\0');
    key.remove_prefix(slash + 1);
  }
}

std::optional<KeyFragment> ToKeyFragment(std::string_view entry) {
  if (entry.empty()) return std::nullopt;
  std::string_view name = entry.substr(0, entry.size() - 1);
  switch (entry.back()) {
    case '@':
      return KeyFragment{std::string(name), true};
    case '~':
      if (name.size() != kSplitBytes) return std::nullopt;
      return KeyFragment{std::string(name), false};
    case '^':
      if (!NeedsFolderMark(name)) return std::nullopt;
      return KeyFragment{std::string(name) + '/', false};
    default:
      if (NeedsFolderMark(entry)) return std::nullopt;
      return KeyFragment{std::string(entry) + '/', false};
  }
}

}  // namespace vora::storage
