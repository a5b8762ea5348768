#include "libs/storage/folder/folder_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <utility>

#include "libs/core/text.h"
#include "libs/storage/base/key.h"

namespace vora::storage {
namespace {

// What d_type says where the file system knows it, and lstat where it does not.
unsigned char TypeOf(int folder, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type;
  struct stat stat {};
  if (::fstatat(folder, entry.d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
  return static_cast<unsigned char>(IFTODT(stat.st_mode));
}

void AddUnusable(ListPage& page, const std::string& key, std::string_view why) {
  page.unusable.push_back({RepairUtf8(key, kMaxKeyBytes), std::string(why)});
}

}  // namespace

ObjectInfo InfoOfFile(const std::string& key, const struct stat& stat) {
  ObjectInfo info;
  info.key = key;
  info.size = stat.st_size;
  info.etag = std::to_string(stat.st_size) + "-" + std::to_string(stat.st_mtim.tv_sec) + "." + std::to_string(stat.st_mtim.tv_nsec);
  info.modified_unix_ms = stat.st_mtim.tv_sec * 1000 + stat.st_mtim.tv_nsec / 1'000'000;
  return info;
}

FolderWalk::FolderWalk(UniqueFd root, std::string prefix, std::string after)
    : prefix_(std::move(prefix)), after_(std::move(after)), root_(std::move(root)) {}

StatusOr<std::vector<FolderWalk::Entry>> FolderWalk::Read(int folder) {
  std::vector<Entry> entries;
  VORA_RETURN_IF_ERROR(ReadEntries(folder, [&](const dirent& entry) {
    // Also `.` and `..`.
    if (entry.d_name[0] == '.') return;
    const unsigned char type = TypeOf(folder, entry);
    entries.push_back({type == DT_DIR ? std::string(entry.d_name) + '/' : std::string(entry.d_name), type});
  }));
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) { return a.text < b.text; });
  return entries;
}

Status FolderWalk::Enter(UniqueFd folder, const std::string& base) {
  VORA_ASSIGN_OR_RETURN(std::vector<Entry> entries, Read(folder.get()));
  frames_.push_back({std::move(folder), base, std::move(entries), 0});
  return absl::OkStatus();
}

bool FolderWalk::IsWanted(const Entry& entry, std::string_view key) const {
  if (entry.type != DT_DIR) return key.starts_with(prefix_) && key > after_;
  const bool overlaps = key.starts_with(prefix_) || std::string_view(prefix_).starts_with(key);
  // Every key below it sorts before the last one: the whole folder was on earlier pages.
  const bool behind = after_ > key && !std::string_view(after_).starts_with(key);
  return overlaps && !behind;
}

Status FolderWalk::Visit(int folder, const Entry& entry, const std::string& key, ListPage& page) {
  const bool is_folder = entry.type == DT_DIR;
  if (const Status valid = ValidateKey(is_folder ? key + "x" : key); !valid.ok()) {
    AddUnusable(page, key, Message(valid));
    return absl::OkStatus();
  }
  if (is_folder) {
    auto opened = OpenBeneath(folder, entry.text.substr(0, entry.text.size() - 1), O_RDONLY | O_DIRECTORY);
    const Status entered = opened.ok() ? Enter(*std::move(opened), key) : opened.status();
    if (entered.code() == StatusCode::kPermissionDenied) AddUnusable(page, key, "the folder may not be read");
    // One that was read may be gone by now, which is no error of the listing.
    const bool passed = entered.code() == StatusCode::kPermissionDenied || entered.code() == StatusCode::kNotFound;
    return passed ? absl::OkStatus() : entered;
  }
  if (entry.type != DT_REG) {
    AddUnusable(page, key, entry.type == DT_LNK ? "a symbolic link: these are not followed" : "not a file");
    return absl::OkStatus();
  }
  struct stat stat {};
  if (::fstatat(folder, entry.text.c_str(), &stat, AT_SYMLINK_NOFOLLOW) == 0) {
    page.objects.push_back(InfoOfFile(key, stat));
  } else if (errno != ENOENT) {
    return ErrnoStatus(errno, key);
  }
  return absl::OkStatus();
}

Status FolderWalk::Fill(size_t max, ListPage& page) {
  if (!std::exchange(begun_, true)) VORA_RETURN_IF_ERROR(Enter(std::move(root_), ""));
  std::string last = after_;
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    if (frame.next == frame.entries.size()) {
      frames_.pop_back();
      continue;
    }
    const Entry& entry = frame.entries[frame.next];
    const std::string key = frame.base + entry.text;
    if (!IsWanted(entry, key)) {
      ++frame.next;
      continue;
    }
    // Only one more thing proves that there is another page; a full page alone may be the last.
    if (page.objects.size() + page.unusable.size() >= max) {
      page.next_token = last;
      return absl::OkStatus();
    }
    ++frame.next;
    last = key;
    // By copy: a folder that is entered moves the frames.
    const Entry visited = entry;
    VORA_RETURN_IF_ERROR(Visit(frame.folder.get(), visited, key, page));
  }
  return absl::OkStatus();
}

}  // namespace vora::storage
