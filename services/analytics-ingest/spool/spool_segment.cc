#include "services/analytics-ingest/spool/spool_segment.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libs/core/ids.h"
#include "libs/log/log.h"

namespace vora::analytics {
namespace {

constexpr size_t kMaxParts = 1024;  // IOV_MAX

}  // namespace

StatusOr<std::unique_ptr<OpenSegment>> OpenSegment::Create(SpoolDirectory& directory, int32_t day, int64_t now_ms) {
  SegmentHeader header{.day = day, .number = directory.NextNumber(), .created_ms = now_ms, .batch = RandomHex(16)};
  const std::string name = FormatName({.state = SegmentState::kOpen, .number = header.number});
  VORA_ASSIGN_OR_RETURN(FileHandle file, directory.OpenFile(name, O_WRONLY | O_CREAT | O_EXCL));
  directory.NoteFile(header.number);
  const auto bytes = EncodeHeader(header);
  if (const Status written = WriteAll(file.get(), std::string_view(bytes.data(), bytes.size()), 0); !written.ok()) {
    // It holds nothing; if even this fails, the next start removes it.
    (void)directory.Remove(name);
    return written;
  }
  return std::unique_ptr<OpenSegment>(new OpenSegment(directory, std::move(file), std::move(header)));
}

Status OpenSegment::Write(std::vector<iovec>& parts, int64_t rows) {
  int64_t offset = bytes_;
  for (size_t first = 0; first < parts.size();) {
    const size_t count = std::min(parts.size() - first, kMaxParts);
    ssize_t written = pwritev(file_.get(), parts.data() + first, static_cast<int>(count), offset);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) {
      if (written == 0) errno = ENOSPC;
      const Status status = ErrnoStatus("write to the spool");
      CutBack();
      return status;
    }
    offset += written;
    while (first < parts.size() && written >= static_cast<ssize_t>(parts[first].iov_len))
      written -= static_cast<ssize_t>(parts[first++].iov_len);
    if (written > 0) {
      parts[first].iov_base = static_cast<char*>(parts[first].iov_base) + written;
      parts[first].iov_len -= static_cast<size_t>(written);
    }
  }
  bytes_ = offset;
  rows_ += rows;
  return {};
}

Status OpenSegment::Sync() {
  // After a failed sync the kernel may have dropped the pages: a second one would say OK of bytes that are nowhere.
  if (fdatasync(file_.get()) != 0) {
    const Status status = ErrnoStatus("sync the spool");
    broken_ = true;
    CutBack();
    return status;
  }
  synced_bytes_ = bytes_;
  // A file that is synced in a folder that is not may be gone after a power cut.
  if (!name_synced_) {
    if (const Status status = directory_.Sync(); !status.ok()) {
      broken_ = true;
      CutBack();
      return status;
    }
    name_synced_ = true;
  }
  return {};
}

Status OpenSegment::SyncJob::Run() const {
  if (fdatasync(file.get()) != 0) return ErrnoStatus("sync the spool");
  return directory == nullptr ? Status() : directory->Sync();
}

StatusOr<OpenSegment::SyncJob> OpenSegment::StartSync() const {
  // A descriptor of its own, since the segment may be closed before the sync is over.
  FileHandle copy(fcntl(file_.get(), F_DUPFD_CLOEXEC, 0));
  if (copy.get() < 0) return ErrnoStatus("sync the spool");
  return SyncJob{.number = header_.number, .bytes = bytes_, .file = std::move(copy), .directory = name_synced_ ? nullptr : &directory_};
}

void OpenSegment::SyncDone(int64_t bytes, const Status& status) {
  if (!status.ok()) {
    broken_ = true;
    CutBack();
    return;
  }
  name_synced_ = true;
  // It may have been cut back since the sync began.
  synced_bytes_ = std::max(synced_bytes_, std::min(bytes, bytes_));
}

void OpenSegment::CutBack() {
  rows_ = confirmed_rows_;
  bytes_ = confirmed_bytes_;
  synced_bytes_ = std::min(synced_bytes_, bytes_);
  if (ftruncate(file_.get(), confirmed_bytes_) != 0) {
    broken_ = true;
    log::Error(
        "rows that were not confirmed cannot be cut off the spool segment: it is closed, and its name leaves them out",
        {{"segment", FormatName({.state = SegmentState::kOpen, .number = header_.number})}, {"reason", Message(ErrnoStatus("truncate"))}});
  }
}

StatusOr<SegmentName> OpenSegment::Seal() {
  const std::string from = FormatName({.state = SegmentState::kOpen, .number = header_.number});
  SegmentName name{
      .state = SegmentState::kSealed, .number = header_.number, .day = header_.day, .rows = confirmed_rows_, .bytes = confirmed_bytes_};
  if (confirmed_rows_ == 0) {
    VORA_RETURN_IF_ERROR(directory_.Remove(from));
    return name;
  }
  // Of a broken file a further sync would prove nothing.
  if (!broken_ && !synced()) {
    if (const Status status = Sync(); !status.ok()) {
      log::Error("confirmed rows may not survive a power cut", {{"segment", from}, {"reason", Message(status)}});
    }
  }
  // Not synced: after a power cut it may have its old name again, and recovery seals it with the same batch id.
  const Status renamed = directory_.Rename(from, FormatName(name));
  if (!renamed.ok()) return renamed;
  if (broken_) (void)directory_.Sync();
  return name;
}

}  // namespace vora::analytics
