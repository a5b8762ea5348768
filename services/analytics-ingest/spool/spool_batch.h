#pragma once

// The rows of one Append, already in the form in which they lie in a segment file: each row is a record of length (u32, little-endian),
// CRC-32C over the length and the row, and the row. One buffer for all of them: no allocation per row, and the caller's thread pays for
// the checksums.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "services/analytics-ingest/events/event.h"

namespace vora::analytics {

inline constexpr size_t kMaxRowBytes = 4096;  // an event within its limits stays far below

class RowBatch {
 public:
  // `day`: DayOf every row that is added.
  explicit RowBatch(int32_t day) : day_(day) {}

  void Add(const Event& event);
  // A row as AppendRow made it: 1 to kMaxRowBytes bytes; a batch with others is refused by Append.
  void AddRow(std::string_view row);
  void Reserve(size_t bytes) { records_.reserve(bytes); }

  int32_t day() const { return day_; }
  int64_t rows() const { return rows_; }
  bool empty() const { return rows_ == 0; }
  size_t bytes() const { return records_.size(); }
  const std::string& records() const { return records_; }
  bool valid() const { return valid_; }

 private:
  void Finish(size_t begin);

  int32_t day_;
  int64_t rows_ = 0;
  bool valid_ = true;
  std::string records_;
};

}  // namespace vora::analytics
