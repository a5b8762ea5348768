#pragma once

// Reads one segment file from front to back through a buffer of fixed size. Believes nothing: every length is checked before it is used.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"
#include "services/analytics-ingest/spool/spool_directory.h"
#include "services/analytics-ingest/spool/spool_format.h"

namespace vora::analytics {

// The header alone. DATA_LOSS, UNAVAILABLE.
StatusOr<SegmentHeader> ReadHeader(const FileHandle& file);

class SegmentReader {
 public:
  enum class Next { kRow, kEnd, kDamaged };

  // Reads the header. `limit`: the file ends there, whatever its size; negative: where it ends.
  SegmentReader(FileHandle file, int64_t limit);

  const StatusOr<SegmentHeader>& header() const { return header_; }
  // The next row, valid until the next call. kDamaged: what lies at offset() is no whole record with a good checksum; `problem()` says
  // why, and calling again says the same.
  Next Read(std::string_view* row);
  // After kDamaged: goes on to the next whole record, byte by byte. False: there is none.
  bool SkipDamage();
  int64_t offset() const { return offset_; }
  // The disk failed to give what it has: nothing is known about the bytes after offset().
  bool unreadable() const { return unreadable_; }
  const std::string& problem() const { return problem_; }

 private:
  // Tries to have `bytes` bytes at hand; true if it has.
  bool Fill(size_t bytes);
  size_t available() const { return end_ - begin_; }
  const char* at() const { return buffer_.data() + begin_; }
  void Advance(size_t bytes);
  // The length of the record here; 0: none.
  size_t RecordHere();

  const FileHandle file_;
  const int64_t limit_;
  std::vector<char> buffer_;
  size_t begin_ = 0, end_ = 0;  // what is at hand in buffer_
  int64_t offset_ = 0;          // in the file, of begin_
  bool exhausted_ = false, unreadable_ = false;
  std::string problem_;
  StatusOr<SegmentHeader> header_;
};

}  // namespace vora::analytics
