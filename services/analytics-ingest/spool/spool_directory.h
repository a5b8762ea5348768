#pragma once

// The spool's folder: its lock, its files, and the numbers of its segments. Thread-safe.

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "services/analytics-ingest/spool/spool_format.h"

namespace vora::analytics {

// A file descriptor that closes itself.
class FileHandle {
 public:
  explicit FileHandle(int fd = -1) : fd_(fd) {}
  FileHandle(FileHandle&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  FileHandle& operator=(FileHandle&& other) noexcept;
  ~FileHandle();
  int get() const { return fd_; }

 private:
  int fd_;
};

// "cannot WHAT: No space left on device", from errno. NOT_FOUND for ENOENT, else UNAVAILABLE.
Status ErrnoStatus(std::string_view what);
// All of it at `offset`. UNAVAILABLE.
Status WriteAll(int fd, std::string_view data, int64_t offset);

class SpoolDirectory {
 public:
  // Creates the folder if need be and takes its lock. ALREADY_EXISTS: another process holds it.
  static StatusOr<std::unique_ptr<SpoolDirectory>> Open(const std::string& path);

  // All entries, in no order. Entries that come or go meanwhile may be seen or not.
  Status ForEach(const std::function<void(const std::string& name)>& entry) const;
  StatusOr<FileHandle> OpenFile(const std::string& name, int flags) const;
  Status Rename(const std::string& from, const std::string& to) const;
  // Gone is fine. Keeps in mind the highest number that was ever used.
  Status Remove(const std::string& name);
  // Makes what was created, renamed and removed before survive a power cut.
  Status Sync() const;

  uint64_t NextNumber();
  // A file with this number exists.
  void NoteFile(uint64_t number);
  const std::string& path() const { return path_; }

 private:
  SpoolDirectory(std::string path, FileHandle directory, FileHandle lock)
      : path_(std::move(path)), directory_(std::move(directory)), lock_(std::move(lock)) {}
  void SaveLastNumber();

  const std::string path_;
  const FileHandle directory_, lock_;
  std::mutex mutex_;
  uint64_t last_number_ = 0;   // that was given out
  uint64_t highest_file_ = 0;  // of the files that were seen or made
};

}  // namespace vora::analytics
