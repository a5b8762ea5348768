#include "libs/storage/local/local_store.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <ctime>
#include <filesystem>

#include "libs/core/clock.h"
#include "libs/core/ids.h"
#include "libs/log/log.h"
#include "libs/storage/base/key.h"
#include "libs/storage/local/local_path.h"

namespace vora::storage {
namespace {

constexpr int kFolder = O_RDONLY | O_DIRECTORY;
// Longer than any write takes: files of writers that are still at work lie in the same folder.
constexpr time_t kLeftoverSeconds = 24 * 3600;

class LocalReader : public ObjectReader {
 public:
  LocalReader(UniqueFd file, ObjectInfo info, int64_t begin, int64_t end)
      : file_(std::move(file)), info_(std::move(info)), at_(begin), end_(end) {}

  const ObjectInfo& info() const override { return info_; }

  StatusOr<size_t> Read(char* buffer, size_t size) override {
    size_t wanted = std::min(size, static_cast<size_t>(end_ - at_));
    if (wanted == 0) return size_t{0};
    while (true) {
      ssize_t n = ::pread(file_.get(), buffer, wanted, at_);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return ErrnoStatus(errno, "read " + info_.key);
      if (n == 0) return DataLoss("read " + info_.key + ": the file was cut off");
      at_ += n;
      return static_cast<size_t>(n);
    }
  }

 private:
  UniqueFd file_;
  ObjectInfo info_;
  int64_t at_, end_;
};

// FNV-1a: every process and every build must pick the same lock file for a key.
unsigned KeyHash(std::string_view key) {
  uint32_t hash = 2166136261U;
  for (char c : key) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return (hash ^ (hash >> 16)) & 0xFFU;
}

}  // namespace

ObjectInfo ToObjectInfo(const std::string& key, const Trailer& trailer) {
  return {key, trailer.size, trailer.etag, trailer.content_type, trailer.modified_unix_ms, trailer.copied_from};
}

StatusOr<std::unique_ptr<LocalObjectStore>> LocalObjectStore::Create(const std::string& directory) {
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  std::unique_ptr<LocalObjectStore> store(new LocalObjectStore(directory));
  int fd = ::open(directory.c_str(), kFolder | O_CLOEXEC);
  if (fd < 0) return Annotate(ErrnoStatus(errno, directory), "object store");
  store->root_ = UniqueFd(fd);
  for (auto [name, folder] : {std::pair{".tmp", &store->temp_}, {".multipart", &store->multipart_}, {".locks", &store->locks_}}) {
    auto opened = MakeFolders(fd, name);
    if (!opened.ok()) return Annotate(opened.status(), "object store " + directory);
    *folder = std::move(opened).value();
  }
  store->RemoveLeftovers();
  return store;
}

void LocalObjectStore::RemoveLeftovers() const {
  auto folder = OpenBeneath(root_.get(), ".tmp", kFolder);
  if (!folder.ok()) return;
  int fd = ::dup(folder->get());
  std::unique_ptr<DIR, int (*)(DIR*)> entries(::fdopendir(fd), &::closedir);
  if (entries == nullptr) return;
  while (const dirent* entry = ::readdir(entries.get())) {
    std::string name = entry->d_name;
    struct stat st {};
    if (name == "." || name == ".." || ::fstatat(temp_.get(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (st.st_mtime > std::time(nullptr) - kLeftoverSeconds) continue;
    if (Status removed = RemoveTree(temp_.get(), name); !removed.ok()) log::Warn("leftover not removed", {{"error", ToText(removed)}});
  }
}

StatusOr<LocalObjectStore::OpenedObject> LocalObjectStore::OpenObject(const std::string& key) const {
  LocalPath path = ToLocalPath(key);
  auto file = OpenBeneath(root_.get(), path.folder + "/" + path.name, O_RDONLY);
  if (!file.ok()) {
    return file.status().code() == StatusCode::kNotFound ? NotFound("object " + key + " does not exist") : file.status();
  }
  auto trailer = ReadTrailer(file->get());
  if (!trailer.ok()) return Annotate(trailer.status(), key);
  return OpenedObject{std::move(file).value(), std::move(trailer).value()};
}

StatusOr<UniqueFd> LocalObjectStore::LockKey(const std::string& key) const {
  std::array<char, 4> name{};
  std::snprintf(name.data(), name.size(), "%02x", KeyHash(key));
  // Opened anew each time, since flock belongs to the open file: so threads exclude each other as well as processes. Lock files are never
  // removed, as a lock on an unlinked one excludes nobody.
  VORA_ASSIGN_OR_RETURN(UniqueFd lock, OpenBeneath(locks_.get(), name.data(), O_RDWR | O_CREAT));
  while (::flock(lock.get(), LOCK_EX) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, "lock");
  }
  return lock;
}

Status LocalObjectStore::CheckConditions(const std::string& key, const PutOptions& options) const {
  if (!options.if_absent && !options.if_match) return absl::OkStatus();
  auto object = OpenObject(key);
  StatusCode code = object.status().code();
  if (options.if_absent) {
    // A damaged file counts as present: write-once means that nothing is replaced.
    if (object.ok() || code == StatusCode::kDataLoss) return AlreadyExists("object " + key + " exists");
    return code == StatusCode::kNotFound ? absl::OkStatus() : object.status();
  }
  if (!object.ok()) return object.status();
  if (object->trailer.etag != *options.if_match) return Aborted("object " + key + " was changed by someone else");
  return absl::OkStatus();
}

Status LocalObjectStore::RenameLocked(int folder, const std::string& name, const std::string& key, const PutOptions& options,
                                      UniqueFd& parent) const {
  LocalPath path = ToLocalPath(key);
  // NOT_FOUND here is Delete pruning an empty folder at the same moment.
  Status status;
  for (int attempt = 0; attempt < 100; ++attempt) {
    auto made = MakeFolders(root_.get(), path.folder);
    if (!made.ok()) {
      status = made.status();
    } else {
      parent = std::move(made).value();
      VORA_ASSIGN_OR_RETURN(UniqueFd lock, LockKey(key));
      VORA_RETURN_IF_ERROR(CheckConditions(key, options));
      if (options.if_absent) {
        status = RenameIfAbsent(folder, name, parent.get(), path.name);
      } else {
        status = ::renameat(folder, name.c_str(), parent.get(), path.name.c_str()) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "rename");
      }
    }
    if (status.code() != StatusCode::kNotFound) return status;
  }
  return Unavailable("object store " + directory_ + ": its directory is gone (" + Message(status) + ")");
}

Status LocalObjectStore::Commit(int folder, const std::string& name, const std::string& key, const PutOptions& options) const {
  UniqueFd parent;
  // Synced after the lock is let go: others need the new name, and only this caller is promised that it survives a power cut.
  VORA_RETURN_IF_ERROR(RenameLocked(folder, name, key, options, parent));
  return SyncAll(parent.get());
}

StatusOr<ObjectInfo> LocalObjectStore::Put(const std::string& key, std::string_view bytes, const PutOptions& options) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  VORA_RETURN_IF_ERROR(ValidatePutOptions(options));
  // Asked again under the lock; here it spares the loser of a race the writing.
  VORA_RETURN_IF_ERROR(CheckConditions(key, options));
  Trailer trailer;
  trailer.size = static_cast<int64_t>(bytes.size());
  trailer.modified_unix_ms = ToUnixMs(Clock::Real().Now());
  trailer.etag = RandomHex(16);
  trailer.content_type = options.content_type;
  trailer.copied_from = options.copied_from;
  std::string temp_name = NewId();
  auto write = [&]() -> Status {
    auto file = OpenBeneath(temp_.get(), temp_name, O_WRONLY | O_CREAT | O_EXCL);
    if (!file.ok()) {
      if (file.status().code() == StatusCode::kNotFound) return Unavailable("object store " + directory_ + ": its directory is gone");
      return file.status();
    }
    VORA_RETURN_IF_ERROR(WriteAt(file->get(), bytes, 0));
    VORA_RETURN_IF_ERROR(WriteAt(file->get(), EncodeTrailer(trailer), trailer.size));
    // The bytes before the rename: otherwise a power cut may leave the new name with an empty file.
    VORA_RETURN_IF_ERROR(SyncData(file->get()));
    return Commit(temp_.get(), temp_name, key, options);
  };
  if (Status written = write(); !written.ok()) {
    ::unlinkat(temp_.get(), temp_name.c_str(), 0);
    return Annotate(written, "put");
  }
  return ToObjectInfo(key, trailer);
}

StatusOr<std::unique_ptr<ObjectReader>> LocalObjectStore::Open(const std::string& key, int64_t offset, int64_t length) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  VORA_RETURN_IF_ERROR(ValidateOffset(offset));
  VORA_ASSIGN_OR_RETURN(OpenedObject object, OpenObject(key));
  int64_t size = object.trailer.size;
  if (offset > size) return OutOfRange("object " + key + " has " + std::to_string(size) + " bytes, offset is " + std::to_string(offset));
  int64_t end = length < 0 || length > size - offset ? size : offset + length;
  return std::make_unique<LocalReader>(std::move(object.file), ToObjectInfo(key, object.trailer), offset, end);
}

StatusOr<ObjectInfo> LocalObjectStore::Head(const std::string& key) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  VORA_ASSIGN_OR_RETURN(OpenedObject object, OpenObject(key));
  return ToObjectInfo(key, object.trailer);
}

Status LocalObjectStore::Delete(const std::string& key) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  LocalPath path = ToLocalPath(key);
  {
    VORA_ASSIGN_OR_RETURN(UniqueFd lock, LockKey(key));
    auto parent = OpenBeneath(root_.get(), path.folder, kFolder);
    if (!parent.ok()) return parent.status().code() == StatusCode::kNotFound ? absl::OkStatus() : parent.status();
    if (::unlinkat(parent->get(), path.name.c_str(), 0) != 0) {
      return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, "delete " + key);
    }
  }
  // Empty folders go as well; a writer that loses its folder here makes it anew (RenameLocked).
  std::string folder = path.folder;
  while (folder != ".") {
    size_t slash = folder.rfind('/');
    std::string above = slash == folder.npos ? "." : folder.substr(0, slash);
    auto parent = OpenBeneath(root_.get(), above, kFolder);
    if (!parent.ok() || ::unlinkat(parent->get(), folder.substr(slash + 1).c_str(), AT_REMOVEDIR) != 0) break;
    folder = above;
  }
  return absl::OkStatus();
}

Status LocalObjectStore::Probe() const {
  struct stat open_root {};
  struct stat named_root {};
  if (::fstat(root_.get(), &open_root) != 0) return ErrnoStatus(errno, directory_);
  if (::stat(directory_.c_str(), &named_root) != 0) return Unavailable("object store " + directory_ + ": its directory is gone");
  // The store writes through a descriptor that it opened at start: into a directory that was replaced meanwhile nothing would ever come.
  if (open_root.st_ino != named_root.st_ino || open_root.st_dev != named_root.st_dev) {
    return Unavailable("object store " + directory_ + ": its directory was replaced; restart to use the new one");
  }
  std::string name = NewId();
  auto file = OpenBeneath(temp_.get(), name, O_WRONLY | O_CREAT | O_EXCL);
  if (!file.ok()) return Unavailable("object store " + directory_ + ": not writable: " + Message(file.status()));
  Status written = WriteAt(file->get(), "ping", 0);
  ::unlinkat(temp_.get(), name.c_str(), 0);
  return Annotate(written, "object store " + directory_);
}

Status LocalObjectStore::Ping() {
  std::lock_guard lock(ping_mutex_);
  auto now = std::chrono::steady_clock::now();
  if (pinged_at_ == std::chrono::steady_clock::time_point{} || now - pinged_at_ >= std::chrono::seconds(1)) {
    pinged_ = Probe();
    pinged_at_ = now;
  }
  return pinged_;
}

std::string LocalObjectStore::Describe() const { return "file://" + directory_; }

}  // namespace vora::storage
