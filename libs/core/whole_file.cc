#include "libs/core/whole_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace vora {
namespace {

Status Fault(const std::string& what, int error) { return Unavailable(what + ": " + std::strerror(error)); }

bool WriteAll(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

// The names in a folder are durable with the folder only.
bool SyncFolder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = fd >= 0 && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  errno = error;
  return synced;
}

Status MakeFolders(const std::filesystem::path& folder) {
  if (folder.empty() || std::filesystem::is_directory(folder)) return {};
  VORA_RETURN_IF_ERROR(MakeFolders(folder.parent_path()));
  if (::mkdir(folder.c_str(), 0777) != 0 && errno != EEXIST) return Fault("cannot make the folder " + folder.string(), errno);
  if (!SyncFolder(folder.has_parent_path() ? folder.parent_path() : "."))
    return Fault("cannot make " + folder.string() + " durable", errno);
  return {};
}

}  // namespace

Status WriteWholeFile(const std::string& path, std::string_view text, unsigned mode) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  VORA_RETURN_IF_ERROR(MakeFolders(folder));
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  // fchmod too, since open gives its mode to new files only, and an older try may have left one.
  const bool written = fd >= 0 && ::fchmod(fd, mode) == 0 && WriteAll(fd, text) && ::fsync(fd) == 0;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  if (!written) return Fault("cannot write " + fresh, error);
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return Fault("cannot put " + path + " in place", errno);
  if (!SyncFolder(folder.empty() ? "." : folder)) return Fault("cannot make " + path + " durable", errno);
  return {};
}

}  // namespace vora
