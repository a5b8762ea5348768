// Multipart of the local store. `.multipart/{id}` holds `meta` (JSON), `data` (part n at (n-1) * part_size) and `parts` (a record of
// 32 bytes per part, durable with the part's bytes). Parts are locked by their record's byte range; completing and aborting lock them all.

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "libs/core/clock.h"
#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/core/ids.h"
#include "libs/storage/base/key.h"
#include "libs/storage/local/local_path.h"
#include "libs/storage/local/local_store.h"

namespace vora::storage {
namespace {

constexpr size_t kRecordBytes = 32;
constexpr size_t kPreparedRecords = 1024;  // written at the start, so that syncing one of them needs no journal commit
constexpr size_t kWriteBytes = 1 << 20;

struct PartRecord {
  int64_t size = 0;
  std::string etag;  // 32 hex digits
};

std::string EncodeRecord(int number, const PartRecord& record) {
  std::string out = "VPRT";
  for (int i = 0; i < 4; ++i) out += static_cast<char>(static_cast<unsigned>(number) >> (8 * i));
  for (int i = 0; i < 8; ++i) out += static_cast<char>(static_cast<uint64_t>(record.size) >> (8 * i));
  return out + HexDecode(record.etag).value();
}

int64_t RecordOffset(int number) { return static_cast<int64_t>(number - 1) * static_cast<int64_t>(kRecordBytes); }

// nullopt: the part was never uploaded.
StatusOr<std::optional<PartRecord>> ReadRecord(int fd, int number) {
  std::string bytes(kRecordBytes, '\0');
  ssize_t n = ::pread(fd, bytes.data(), bytes.size(), RecordOffset(number));
  if (n < 0) return ErrnoStatus(errno, "read part record");
  if (static_cast<size_t>(n) < kRecordBytes || bytes.compare(0, 4, "VPRT") != 0) return std::optional<PartRecord>();
  PartRecord record;
  uint64_t size = 0;
  for (size_t i = 0; i < 8; ++i) size |= uint64_t{static_cast<unsigned char>(bytes[8 + i])} << (8 * i);
  record.size = static_cast<int64_t>(size);
  record.etag = HexEncode(std::string_view(bytes).substr(16));
  return std::optional<PartRecord>(record);
}

// Locks `length` bytes of `fd` from `offset` (0: to the end), until the descriptor is closed. Between threads and processes.
Status LockRange(int fd, int64_t offset, int64_t length) {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = offset;
  lock.l_len = length;
  // Locks of the open file (OFD), not of the process: with plain F_SETLKW threads would not exclude each other, and closing any descriptor
  // of the file would drop them all.
  while (::fcntl(fd, F_OFD_SETLKW, &lock) != 0) {
    if (errno != EINTR) return ErrnoStatus(errno, "lock");
  }
  return absl::OkStatus();
}

bool IsUnlinked(int fd) {
  struct stat st {};
  return ::fstat(fd, &st) != 0 || st.st_nlink == 0;
}

// Hands a record to the disk and waits until it is there, but perhaps in the disk's cache only: the sync of the part's bytes that follows
// empties that cache, so that a part costs one flush instead of two. True only where a prepared record is overwritten in place and a
// sync always flushes (ext4, XFS); otherwise the record needs a sync of its own. A record that a crash leaves without its bytes does no
// harm: nobody was told its ETag, and a repeated upload compares the bytes.
bool SendRecord(int fd, int number) {
  struct statfs fs {};
  if (number > static_cast<int>(kPreparedRecords) || ::fstatfs(fd, &fs) != 0) return false;
  if (fs.f_type != EXT4_SUPER_MAGIC && fs.f_type != XFS_SUPER_MAGIC) return false;
  return ::sync_file_range(fd, RecordOffset(number), static_cast<off_t>(kRecordBytes),
                           SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0;
}

// Write-back starts with the first megabyte instead of with the sync at the end.
Status WriteEarly(int fd, std::string_view bytes, int64_t offset) {
  while (!bytes.empty()) {
    std::string_view piece = bytes.substr(0, kWriteBytes);
    VORA_RETURN_IF_ERROR(WriteAt(fd, piece, offset));
    ::sync_file_range(fd, offset, static_cast<off_t>(piece.size()), SYNC_FILE_RANGE_WRITE);
    bytes.remove_prefix(piece.size());
    offset += static_cast<int64_t>(piece.size());
  }
  return absl::OkStatus();
}

StatusOr<bool> HoldsAlready(int fd, std::string_view bytes, int64_t offset) {
  std::string buffer(std::min(bytes.size(), kWriteBytes), '\0');
  while (!bytes.empty()) {
    size_t size = std::min(bytes.size(), buffer.size());
    Status read = ReadAt(fd, buffer.data(), size, offset);
    if (read.code() == StatusCode::kDataLoss) return false;  // the file ends before: a crash left the record without its bytes
    VORA_RETURN_IF_ERROR(read);
    if (std::memcmp(buffer.data(), bytes.data(), size) != 0) return false;
    bytes.remove_prefix(size);
    offset += static_cast<int64_t>(size);
  }
  return true;
}

// A sync that failed is reported once, and the pages count as clean afterwards: without its record, a repeated call writes them again.
Status SyncOrForget(int data, int parts, int number) {
  Status synced = SyncData(data);
  if (!synced.ok()) WriteAt(parts, std::string(kRecordBytes, '\0'), RecordOffset(number)).IgnoreError();
  return synced;
}

}  // namespace

struct LocalObjectStore::Multipart {
  UniqueFd folder, parts;
  int64_t part_size = 0;
  std::string content_type, copied_from;
};

StatusOr<std::string> LocalObjectStore::CreateMultipart(const std::string& key, const MultipartOptions& options) {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  VORA_RETURN_IF_ERROR(ValidateMultipartOptions(options));
  std::string id = RandomHex(16);
  auto create = [&]() -> Status {
    if (::mkdirat(temp_.get(), id.c_str(), 0777) != 0) return ErrnoStatus(errno, "mkdir");
    VORA_ASSIGN_OR_RETURN(UniqueFd folder, OpenBeneath(temp_.get(), id, O_RDONLY | O_DIRECTORY));
    nlohmann::json meta = {
        {"key", key}, {"content_type", options.content_type}, {"part_size", options.part_size}, {"copied_from", options.copied_from}};
    VORA_ASSIGN_OR_RETURN(UniqueFd file, OpenBeneath(folder.get(), "meta", O_WRONLY | O_CREAT | O_EXCL));
    VORA_RETURN_IF_ERROR(WriteAt(file.get(), meta.dump(), 0));
    VORA_RETURN_IF_ERROR(SyncData(file.get()));
    VORA_ASSIGN_OR_RETURN(UniqueFd parts, OpenBeneath(folder.get(), "parts", O_WRONLY | O_CREAT | O_EXCL));
    VORA_RETURN_IF_ERROR(WriteAt(parts.get(), std::string(kPreparedRecords * kRecordBytes, '\0'), 0));
    VORA_RETURN_IF_ERROR(SyncData(parts.get()));
    VORA_ASSIGN_OR_RETURN(UniqueFd data, OpenBeneath(folder.get(), "data", O_WRONLY | O_CREAT | O_EXCL));
    // All files and then their folder, before the rename: under `.multipart` there are whole uploads only.
    VORA_RETURN_IF_ERROR(SyncAll(folder.get()));
    VORA_RETURN_IF_ERROR(RenameIfAbsent(temp_.get(), id, multipart_.get(), id));
    return SyncAll(multipart_.get());
  };
  if (Status created = create(); !created.ok()) {
    (void)RemoveTree(temp_.get(), id);
    return Annotate(created, "create multipart");
  }
  return id;
}

StatusOr<LocalObjectStore::Multipart> LocalObjectStore::OpenMultipart(const std::string& key, const std::string& multipart_id) const {
  VORA_RETURN_IF_ERROR(ValidateKey(key));
  if (!IsId(multipart_id)) return NoSuchMultipart(multipart_id);
  Multipart upload;
  VORA_ASSIGN_OR_RETURN(upload.folder, OpenBeneath(multipart_.get(), multipart_id, O_RDONLY | O_DIRECTORY));
  VORA_ASSIGN_OR_RETURN(upload.parts, OpenBeneath(upload.folder.get(), "parts", O_RDWR));
  VORA_ASSIGN_OR_RETURN(UniqueFd meta, OpenBeneath(upload.folder.get(), "meta", O_RDONLY));
  std::string text(4096, '\0');
  ssize_t n = ::pread(meta.get(), text.data(), text.size(), 0);
  if (n < 0) return ErrnoStatus(errno, "read multipart");
  text.resize(static_cast<size_t>(n));
  auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return DataLoss("multipart upload " + multipart_id + ": its description is damaged");
  // An id belongs to one key: with another it is not there, as in S3.
  if (json.value("key", "") != key) return NoSuchMultipart(multipart_id);
  upload.part_size = json.value("part_size", int64_t{0});
  upload.content_type = json.value("content_type", "application/octet-stream");
  upload.copied_from = json.value("copied_from", "");
  return upload;
}

StatusOr<CompletedPart> LocalObjectStore::UploadPart(const std::string& key, const std::string& multipart_id, int number,
                                                     std::string_view bytes) {
  VORA_RETURN_IF_ERROR(ValidatePartNumber(number));
  auto upload = OpenMultipart(key, multipart_id);
  if (!upload.ok()) return upload.status().code() == StatusCode::kNotFound ? NoSuchMultipart(multipart_id) : upload.status();
  if (static_cast<int64_t>(bytes.size()) > upload->part_size) {
    return InvalidField("multipart", "part " + std::to_string(number) + " has " + std::to_string(bytes.size()) + " bytes, part_size is " +
                                         std::to_string(upload->part_size));
  }
  int parts = upload->parts.get();
  VORA_RETURN_IF_ERROR(LockRange(parts, RecordOffset(number), static_cast<int64_t>(kRecordBytes)));
  // Whoever held the lock may have completed or aborted: the bytes would go into a file that nobody finds any more.
  if (IsUnlinked(parts)) return NoSuchMultipart(multipart_id);
  VORA_ASSIGN_OR_RETURN(UniqueFd data, OpenBeneath(upload->folder.get(), "data", O_RDWR));
  int64_t offset = static_cast<int64_t>(number - 1) * upload->part_size;
  VORA_ASSIGN_OR_RETURN(std::optional<PartRecord> before, ReadRecord(parts, number));
  if (before && before->size == static_cast<int64_t>(bytes.size())) {
    VORA_ASSIGN_OR_RETURN(bool same, HoldsAlready(data.get(), bytes, offset));
    if (same) {
      // The call that wrote it may have been interrupted before its sync.
      VORA_RETURN_IF_ERROR(SyncOrForget(data.get(), parts, number));
      VORA_RETURN_IF_ERROR(SyncData(parts));
      return CompletedPart{number, before->etag};
    }
  }
  if (before) {
    // Else a crash while the bytes are replaced would leave a record that vouches for a mixture.
    VORA_RETURN_IF_ERROR(WriteAt(parts, std::string(kRecordBytes, '\0'), RecordOffset(number)));
    VORA_RETURN_IF_ERROR(SyncData(parts));
  }
  // The bytes before their record: a record vouches for them.
  VORA_RETURN_IF_ERROR(WriteEarly(data.get(), bytes, offset));
  PartRecord record{static_cast<int64_t>(bytes.size()), RandomHex(16)};
  VORA_RETURN_IF_ERROR(WriteAt(parts, EncodeRecord(number, record), RecordOffset(number)));
  bool sent = SendRecord(parts, number);
  VORA_RETURN_IF_ERROR(SyncOrForget(data.get(), parts, number));
  if (!sent) VORA_RETURN_IF_ERROR(SyncData(parts));
  return CompletedPart{number, record.etag};
}

StatusOr<ObjectInfo> LocalObjectStore::FinishedBefore(const std::string& key, const std::string& multipart_id) const {
  auto object = OpenObject(key);
  if (object.ok() && object->trailer.multipart_id == multipart_id) {
    // The call that renamed it may have been interrupted before its sync.
    VORA_ASSIGN_OR_RETURN(UniqueFd parent, OpenBeneath(root_.get(), ToLocalPath(key).folder, O_RDONLY | O_DIRECTORY));
    VORA_RETURN_IF_ERROR(SyncAll(parent.get()));
    return ToObjectInfo(key, object->trailer);
  }
  if (!object.ok() && object.status().code() != StatusCode::kNotFound) return object.status();
  return NoSuchMultipart(multipart_id);
}

StatusOr<ObjectInfo> LocalObjectStore::CompleteMultipart(const std::string& key, const std::string& multipart_id,
                                                         const std::vector<CompletedPart>& parts) {
  VORA_RETURN_IF_ERROR(ValidatePartList(parts));
  auto upload = OpenMultipart(key, multipart_id);
  if (!upload.ok()) {
    return upload.status().code() == StatusCode::kNotFound ? FinishedBefore(key, multipart_id) : upload.status();
  }
  VORA_RETURN_IF_ERROR(LockRange(upload->parts.get(), 0, 0));
  if (IsUnlinked(upload->parts.get())) return FinishedBefore(key, multipart_id);
  auto data = OpenBeneath(upload->folder.get(), "data", O_RDWR);
  if (!data.ok() && data.status().code() == StatusCode::kNotFound) {
    // Crashed between the rename and the removal of the rest.
    auto info = FinishedBefore(key, multipart_id);
    if (info.ok()) (void)RemoveMultipart(multipart_id);
    return info;
  }
  VORA_RETURN_IF_ERROR(data.status());
  Trailer trailer;
  for (const CompletedPart& part : parts) {
    VORA_ASSIGN_OR_RETURN(std::optional<PartRecord> record, ReadRecord(upload->parts.get(), part.number));
    std::string name = "multipart: part " + std::to_string(part.number);
    if (!record) return InvalidArgument(name + " was not uploaded");
    if (record->etag != part.etag) return InvalidArgument(name + " has another ETag");
    bool last = &part == &parts.back();
    if (!last && record->size != upload->part_size) return InvalidArgument(name + " is shorter than part_size and not the last");
    trailer.size += record->size;
  }
  trailer.modified_unix_ms = ToUnixMs(Clock::Real().Now());
  trailer.etag = RandomHex(16);
  trailer.multipart_id = multipart_id;
  trailer.content_type = upload->content_type;
  trailer.copied_from = upload->copied_from;
  // Cut first: what lies beyond may be longer than the trailer.
  if (::ftruncate(data->get(), trailer.size) != 0) return ErrnoStatus(errno, "truncate");
  VORA_RETURN_IF_ERROR(WriteAt(data->get(), EncodeTrailer(trailer), trailer.size));
  VORA_RETURN_IF_ERROR(SyncData(data->get()));
  // The object appears by this rename alone: before it there is an upload that can be completed again, after it one whose rest is removed.
  VORA_RETURN_IF_ERROR(Annotate(Commit(upload->folder.get(), "data", key, {}), "complete multipart"));
  (void)RemoveMultipart(multipart_id);  // done again by the next CompleteMultipart or AbortMultipart
  return ToObjectInfo(key, trailer);
}

Status LocalObjectStore::RemoveMultipart(const std::string& multipart_id) const {
  auto folder = OpenBeneath(multipart_.get(), multipart_id, O_RDONLY | O_DIRECTORY);
  if (!folder.ok()) return folder.status().code() == StatusCode::kNotFound ? absl::OkStatus() : folder.status();
  // Whole or not at all: a crash in the midst leaves it in `.tmp`, where it is cleaned up.
  if (::renameat(multipart_.get(), multipart_id.c_str(), temp_.get(), multipart_id.c_str()) != 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, "remove multipart");
  }
  // First of its files, as a writer that waits for the lock looks whether it is still linked.
  if (::unlinkat(folder->get(), "parts", 0) != 0 && errno != ENOENT) return ErrnoStatus(errno, "remove multipart");
  return RemoveTree(temp_.get(), multipart_id);
}

Status LocalObjectStore::AbortMultipart(const std::string& key, const std::string& multipart_id) {
  auto upload = OpenMultipart(key, multipart_id);
  if (upload.ok()) {
    VORA_RETURN_IF_ERROR(LockRange(upload->parts.get(), 0, 0));
    return RemoveMultipart(multipart_id);
  }
  return upload.status().code() == StatusCode::kNotFound ? absl::OkStatus() : upload.status();
}

}  // namespace vora::storage
