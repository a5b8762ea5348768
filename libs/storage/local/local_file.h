#pragma once

// File system calls of the local store. No path is ever followed through a symbolic link or out of the root.

#include <dirent.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "libs/core/status.h"

namespace vora::storage {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd();
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// NOT_FOUND, RESOURCE_EXHAUSTED (disk full, out of descriptors), PERMISSION_DENIED, UNAVAILABLE (I/O error) or INTERNAL.
Status ErrnoStatus(int error, std::string_view what);

// Opens the relative `path` below `root` without following symbolic links anywhere.
StatusOr<UniqueFd> OpenBeneath(int root, const std::string& path, int flags, unsigned mode = 0666);
// What OpenBeneath falls back to where openat2 is missing (kernels before 5.6, and sandboxes that refuse the call): slower.
StatusOr<UniqueFd> OpenByComponents(int root, std::string_view path, int flags, unsigned mode = 0666);
// Opens the folder `path`, making what is missing of it; each new folder is durable.
StatusOr<UniqueFd> MakeFolders(int root, const std::string& path);

Status WriteAt(int fd, std::string_view bytes, int64_t offset);
// NOT_FOUND-free: DATA_LOSS when the file ends before `size` bytes.
Status ReadAt(int fd, char* buffer, size_t size, int64_t offset);
Status SyncData(int fd);
Status SyncAll(int fd);

// Gives each entry of the open folder, `.` and `..` too, in no order.
Status ReadEntries(int folder, const std::function<void(const dirent&)>& take);

// Removes a file or a folder with everything in it; absent is OK.
Status RemoveTree(int folder, const std::string& name);

// Renames without replacing: ALREADY_EXISTS when `to` is there. For file systems without RENAME_NOREPLACE it links.
Status RenameIfAbsent(int from_folder, const std::string& from, int to_folder, const std::string& to);

}  // namespace vora::storage
