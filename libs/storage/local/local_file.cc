#include "libs/storage/local/local_file.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>

namespace vora::storage {
namespace {

// Remembered for the process: it is the kernel that lacks the call, and each try would cost one.
std::atomic<bool> has_openat2{true};

}  // namespace

Status ReadEntries(int folder, const std::function<void(const dirent&)>& take) {
  // fdopendir takes its descriptor over, and the caller goes on using `folder`.
  const int own = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (own < 0) return ErrnoStatus(errno, "list");
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(own), &::closedir);
  if (!stream) {
    const int why = errno;
    ::close(own);
    return ErrnoStatus(why, "list");
  }
  while (true) {
    // readdir returns null at the end and on an error alike: errno alone tells them apart.
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) return errno == 0 ? absl::OkStatus() : ErrnoStatus(errno, "list");
    take(*entry);
  }
}

UniqueFd::~UniqueFd() {
  if (fd_ >= 0) ::close(fd_);
}

Status ErrnoStatus(int error, std::string_view what) {
  std::string text = std::string(what) + ": " + std::strerror(error);
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return NotFound(text);
    case EEXIST:
      return AlreadyExists(text);
    case ENOSPC:
    case EDQUOT:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
      return ResourceExhausted(text);
    case EACCES:
    case EPERM:
    case EROFS:
      return PermissionDenied(text);
    case EIO:
    case ESTALE:
    case ETIMEDOUT:
    case EINTR:
      return Unavailable(text);
    case ELOOP:
      return PermissionDenied(text + " (symbolic links are not followed)");
    default:
      return Internal(text);
  }
}

StatusOr<UniqueFd> OpenByComponents(int root, std::string_view path, int flags, unsigned mode) {
  UniqueFd folder;
  int at = root;
  while (true) {
    size_t slash = path.find('/');
    std::string name(path.substr(0, slash));
    bool last = slash == path.npos;
    int fd = ::openat(at, name.c_str(), last ? flags | O_NOFOLLOW | O_CLOEXEC : O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) return ErrnoStatus(errno, "open " + name);
    folder = UniqueFd(fd);
    at = fd;
    if (last) return folder;
    path.remove_prefix(slash + 1);
  }
}

StatusOr<UniqueFd> OpenBeneath(int root, const std::string& path, int flags, unsigned mode) {
  if (has_openat2) {
    open_how how{};
    how.flags = static_cast<uint64_t>(flags) | O_CLOEXEC | O_NOFOLLOW;
    how.mode = (flags & O_CREAT) != 0 ? mode : 0;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
    // EAGAIN: something was renamed while the path was walked.
    for (int attempt = 0; attempt < 64; ++attempt) {
      long fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how));
      if (fd >= 0) return UniqueFd(static_cast<int>(fd));
      if (errno == EAGAIN || errno == EINTR) continue;
      if (errno != ENOSYS && errno != EPERM) return ErrnoStatus(errno, "open " + path);
      // Sandboxes answer EPERM, but so may the file itself: that is asked again each time.
      if (errno == ENOSYS) has_openat2 = false;
      break;
    }
  }
  return OpenByComponents(root, path, flags, mode);
}

StatusOr<UniqueFd> MakeFolders(int root, const std::string& path) {
  constexpr int kFolder = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  auto ready = OpenBeneath(root, path, kFolder);
  if (ready.ok() || ready.status().code() != StatusCode::kNotFound) return ready;
  UniqueFd folder;
  int at = root;
  std::string_view rest = path;
  while (!rest.empty()) {
    size_t slash = rest.find('/');
    std::string name(rest.substr(0, slash));
    rest.remove_prefix(slash == rest.npos ? rest.size() : slash + 1);
    if (::mkdirat(at, name.c_str(), 0777) != 0 && errno != EEXIST) return ErrnoStatus(errno, "mkdir " + path);
    // A new folder is durable only once the folder above it is synced. Also where another made it a moment ago: it may not have come to
    // that yet, and what is put below must not be acknowledged before.
    if (at == root) {
      VORA_ASSIGN_OR_RETURN(UniqueFd self, OpenBeneath(root, ".", kFolder));
      VORA_RETURN_IF_ERROR(SyncAll(self.get()));
    } else {
      VORA_RETURN_IF_ERROR(SyncAll(at));
    }
    int fd = ::openat(at, name.c_str(), kFolder);
    if (fd < 0) return ErrnoStatus(errno, "open " + path);
    folder = UniqueFd(fd);
    at = fd;
  }
  return folder;
}

Status WriteAt(int fd, std::string_view bytes, int64_t offset) {
  while (!bytes.empty()) {
    ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, "write");
    bytes.remove_prefix(static_cast<size_t>(n));
    offset += n;
  }
  return absl::OkStatus();
}

Status ReadAt(int fd, char* buffer, size_t size, int64_t offset) {
  while (size > 0) {
    ssize_t n = ::pread(fd, buffer, size, offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, "read");
    if (n == 0) return DataLoss("read: the file is shorter than expected");
    buffer += n;
    size -= static_cast<size_t>(n);
    offset += n;
  }
  return absl::OkStatus();
}

Status SyncData(int fd) { return ::fdatasync(fd) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "fdatasync"); }

Status SyncAll(int fd) { return ::fsync(fd) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "fsync"); }

Status RemoveTree(int folder, const std::string& name) {
  // Tried as a file first, which spares a stat. For a folder Linux answers EISDIR, POSIX has EPERM.
  if (::unlinkat(folder, name.c_str(), 0) == 0 || errno == ENOENT) return absl::OkStatus();
  if (errno != EISDIR && errno != EPERM) return ErrnoStatus(errno, "unlink " + name);
  int fd = ::openat(folder, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, "open " + name);
  std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd), &::closedir);
  if (entries == nullptr) {
    UniqueFd close_it(fd);
    return ErrnoStatus(errno, "read folder " + name);
  }
  while (const dirent* entry = ::readdir(entries.get())) {
    std::string child = entry->d_name;
    if (child == "." || child == "..") continue;
    VORA_RETURN_IF_ERROR(RemoveTree(fd, child));
  }
  if (::unlinkat(folder, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return absl::OkStatus();
  return ErrnoStatus(errno, "rmdir " + name);
}

Status RenameIfAbsent(int from_folder, const std::string& from, int to_folder, const std::string& to) {
  if (::renameat2(from_folder, from.c_str(), to_folder, to.c_str(), RENAME_NOREPLACE) == 0) return absl::OkStatus();
  if (errno != EINVAL && errno != ENOSYS) return ErrnoStatus(errno, "rename");
  // link(2) fails where the name exists, on every file system; a crash before the unlink leaves a second name in `.tmp`, which is cleaned
  // up.
  if (::linkat(from_folder, from.c_str(), to_folder, to.c_str(), 0) != 0) return ErrnoStatus(errno, "link");
  ::unlinkat(from_folder, from.c_str(), 0);
  return absl::OkStatus();
}

}  // namespace vora::storage
