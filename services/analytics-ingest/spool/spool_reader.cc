#include "services/analytics-ingest/spool/spool_reader.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "services/analytics-ingest/spool/spool_batch.h"

namespace vora::analytics {
namespace {

constexpr size_t kBufferBytes = 256 << 10;

}  // namespace

StatusOr<SegmentHeader> ReadHeader(const FileHandle& file) {
  char bytes[kSegmentHeaderBytes];
  const ssize_t got = pread(file.get(), bytes, sizeof(bytes), 0);
  if (got < 0) return ErrnoStatus("read a segment's header");
  if (got < static_cast<ssize_t>(sizeof(bytes))) return DataLoss("shorter than a header");
  return DecodeHeader(bytes);
}

SegmentReader::SegmentReader(FileHandle file, int64_t limit)
    : file_(std::move(file)), limit_(limit < 0 ? std::numeric_limits<int64_t>::max() : limit), buffer_(kBufferBytes) {
  if (Fill(kSegmentHeaderBytes)) {
    header_ = DecodeHeader(at());
    Advance(kSegmentHeaderBytes);
  } else {
    header_ = DataLoss("shorter than a header" + (problem_.empty() ? "" : ": " + problem_));
    Advance(available());
  }
}

bool SegmentReader::Fill(size_t bytes) {
  while (available() < bytes && !exhausted_) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), at(), available());
      end_ -= begin_;
      begin_ = 0;
    }
    const int64_t position = offset_ + static_cast<int64_t>(end_);
    const int64_t want = std::min(static_cast<int64_t>(buffer_.size() - end_), limit_ - position);
    const ssize_t got = want <= 0 ? 0 : pread(file_.get(), buffer_.data() + end_, static_cast<size_t>(want), position);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      // Not the end of the file: what lies beyond may be intact, so nothing is concluded from it.
      problem_ = Message(ErrnoStatus("read at byte " + std::to_string(position)));
      unreadable_ = true;
    }
    if (got <= 0) exhausted_ = true;
    if (got > 0) end_ += static_cast<size_t>(got);
  }
  return available() >= bytes;
}

void SegmentReader::Advance(size_t bytes) {
  begin_ += bytes;
  offset_ += static_cast<int64_t>(bytes);
}

size_t SegmentReader::RecordHere() {
  if (!Fill(kRecordHeaderBytes)) return 0;
  const size_t length = LoadU32(at());
  // Checked before it is read: a damaged length could be anything.
  if (length == 0 || length > kMaxRowBytes || !Fill(kRecordHeaderBytes + length)) return 0;
  return RecordCrc(at(), length) == LoadU32(at() + 4) ? length : 0;
}

SegmentReader::Next SegmentReader::Read(std::string_view* row) {
  if (!Fill(1)) return problem_.empty() ? Next::kEnd : Next::kDamaged;
  const size_t length = RecordHere();
  if (length == 0) {
    if (problem_.empty()) problem_ = "no whole record with a good checksum at byte " + std::to_string(offset_);
    return Next::kDamaged;
  }
  *row = std::string_view(at() + kRecordHeaderBytes, length);
  Advance(kRecordHeaderBytes + length);
  return Next::kRow;
}

bool SegmentReader::SkipDamage() {
  problem_.clear();
  while (Fill(kRecordHeaderBytes + 1)) {
    Advance(1);
    if (RecordHere() > 0) return true;
  }
  Advance(available());
  return false;
}

}  // namespace vora::analytics
