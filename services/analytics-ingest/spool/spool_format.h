#pragma once

// The bytes and the names of segment files. Numbers in them are little-endian.
//
//   header  64 bytes: "VORASPL1", u32 version (1), i32 day, u64 number, i64 created (Unix ms), 16 bytes batch, 12 zero bytes,
//           u32 CRC-32C of the 60 bytes before
//   record  u32 length of the row, u32 CRC-32C of that length and the row, the row
//
// Names: NUMBER.open while rows are added, then NUMBER.DAY.ROWS.BYTES.sealed, and .doubt once an insert may have been tried. NUMBER has 16
// hex digits, DAY is 20261120, ROWS and BYTES count what was confirmed: what lies after it in the file is no part of the segment. A
// damaged file keeps its name and gets `.damaged` after it.

#include <array>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::analytics {

inline constexpr size_t kSegmentHeaderBytes = 64;
inline constexpr size_t kRecordHeaderBytes = 8;

inline void StoreU32(char* at, uint32_t value) { std::memcpy(at, &value, sizeof(value)); }
inline uint32_t LoadU32(const char* at) {
  uint32_t value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

// CRC-32C (Castagnoli), as in RFC 3720.
uint32_t Crc32c(const char* data, size_t size, uint32_t previous = 0);
// Of a whole record: its length field and `length` bytes of row.
uint32_t RecordCrc(const char* record, size_t length);

struct SegmentHeader {
  int32_t day = 0;
  uint64_t number = 0;
  int64_t created_ms = 0;
  std::string batch;  // 32 hex digits
};
std::array<char, kSegmentHeaderBytes> EncodeHeader(const SegmentHeader& header);
// DATA_LOSS saying what is wrong with these kSegmentHeaderBytes bytes.
StatusOr<SegmentHeader> DecodeHeader(const char* bytes);

enum class SegmentState { kOpen, kSealed, kDoubt, kSalvage, kDamaged };

struct SegmentName {
  SegmentState state = SegmentState::kOpen;
  uint64_t number = 0;
  int32_t day = 0;  // this and the next two: kSealed and kDoubt only
  int64_t rows = 0;
  int64_t bytes = 0;
  uint64_t origin = 0;  // kSalvage: the damaged segment's number
};
std::string FormatName(const SegmentName& name);
// Nothing for files that are not segments. Of a damaged one only the number is read.
std::optional<SegmentName> ParseName(std::string_view name);

}  // namespace vora::analytics
