#include "services/analytics-ingest/spool/spool_directory.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "libs/log/log.h"

namespace vora::analytics {
namespace {

// Holds the lock, and the highest number that was used when its file was removed.
constexpr char kLockFile[] = "lock";

}  // namespace

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

FileHandle::~FileHandle() {
  if (fd_ >= 0) close(fd_);
}

Status ErrnoStatus(std::string_view what) {
  const int error = errno;
  char text[128];
  const std::string message = "cannot " + std::string(what) + ": " + strerror_r(error, text, sizeof(text));
  return error == ENOENT ? NotFound(message) : Unavailable(message);
}

Status WriteAll(int fd, std::string_view data, int64_t offset) {
  while (!data.empty()) {
    const ssize_t written = pwrite(fd, data.data(), data.size(), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return ErrnoStatus("write to the spool");
    data.remove_prefix(static_cast<size_t>(written));
    offset += written;
  }
  return {};
}

StatusOr<std::unique_ptr<SpoolDirectory>> SpoolDirectory::Open(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  FileHandle directory(open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.get() < 0) return Annotate(ErrnoStatus("open"), "spool directory " + path);
  FileHandle lock(openat(directory.get(), kLockFile, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock.get() < 0) return Annotate(ErrnoStatus("create the lock file"), "spool directory " + path);
  // The kernel lets go of it with the process, however that ends.
  if (flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return AlreadyExists("spool directory " + path + ": another process holds it");
    return Annotate(ErrnoStatus("lock it"), "spool directory " + path);
  }
  char text[17] = {};
  const ssize_t size = pread(lock.get(), text, 16, 0);
  std::unique_ptr<SpoolDirectory> self(new SpoolDirectory(path, std::move(directory), std::move(lock)));
  if (size == 16) self->last_number_ = std::strtoull(text, nullptr, 16);
  // Now, so that saving it later needs no space: on a full disk a segment must be removable.
  self->SaveLastNumber();
  return self;
}

Status SpoolDirectory::ForEach(const std::function<void(const std::string& name)>& entry) const {
  const int fd = openat(directory_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* dir = fd < 0 ? nullptr : fdopendir(fd);
  if (dir == nullptr) {
    const Status status = ErrnoStatus("list the spool directory");
    if (fd >= 0) close(fd);
    return status;
  }
  // readdir tells an error and the end alike, but for errno.
  errno = 0;
  while (const dirent* found = readdir(dir)) {
    entry(found->d_name);
    errno = 0;
  }
  const Status status = errno == 0 ? Status() : ErrnoStatus("list the spool directory");
  closedir(dir);
  return status;
}

StatusOr<FileHandle> SpoolDirectory::OpenFile(const std::string& name, int flags) const {
  FileHandle file(openat(directory_.get(), name.c_str(), flags | O_CLOEXEC, 0600));
  if (file.get() < 0) return ErrnoStatus("open " + name);
  return file;
}

Status SpoolDirectory::Rename(const std::string& from, const std::string& to) const {
  if (renameat(directory_.get(), from.c_str(), directory_.get(), to.c_str()) != 0) return ErrnoStatus("rename " + from + " to " + to);
  return {};
}

Status SpoolDirectory::Remove(const std::string& name) {
  if (const auto segment = ParseName(name)) {
    const std::lock_guard lock(mutex_);
    if (segment->number >= highest_file_) {
      // No other file says any more how far the numbers have come.
      SaveLastNumber();
    }
  }
  if (unlinkat(directory_.get(), name.c_str(), 0) != 0 && errno != ENOENT) return ErrnoStatus("remove " + name);
  return {};
}

void SpoolDirectory::SaveLastNumber() {
  char text[24];
  std::snprintf(text, sizeof(text), "%016llx\n", static_cast<unsigned long long>(last_number_));
  Status status = WriteAll(lock_.get(), text, 0);
  if (status.ok() && fdatasync(lock_.get()) != 0) status = ErrnoStatus("sync the lock file");
  // A number that is used again after a restart does less harm than a file that stays.
  if (!status.ok()) log::Warn("the last number of the spool's segments cannot be saved", {{"reason", Message(status)}});
}

Status SpoolDirectory::Sync() const {
  if (fsync(directory_.get()) != 0) return ErrnoStatus("sync the spool directory");
  return {};
}

void SpoolDirectory::NoteFile(uint64_t number) {
  const std::lock_guard lock(mutex_);
  highest_file_ = std::max(highest_file_, number);
  last_number_ = std::max(last_number_, number);
}

uint64_t SpoolDirectory::NextNumber() {
  const std::lock_guard lock(mutex_);
  return ++last_number_;
}

}  // namespace vora::analytics
