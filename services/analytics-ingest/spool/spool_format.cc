#include "services/analytics-ingest/spool/spool_format.h"

#include <isa-l/crc.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <vector>

#include "libs/core/encoding.h"

namespace vora::analytics {
namespace {

constexpr std::string_view kMagic = "VORASPL1";
constexpr uint32_t kVersion = 1;
constexpr size_t kBatchBytes = 16;

int64_t CalendarOf(int32_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return int64_t{static_cast<int>(date.year())} * 10000 + static_cast<unsigned>(date.month()) * 100 + static_cast<unsigned>(date.day());
}

std::optional<int32_t> DayFromCalendar(int64_t calendar) {
  const std::chrono::year_month_day date{std::chrono::year(static_cast<int>(calendar / 10000)),
                                         std::chrono::month(static_cast<unsigned>(calendar / 100 % 100)),
                                         std::chrono::day(static_cast<unsigned>(calendar % 100))};
  if (calendar < 0 || calendar > 99991231 || !date.ok()) return std::nullopt;
  return static_cast<int32_t>(std::chrono::sys_days(date).time_since_epoch().count());
}

template <typename T>
bool ParseNumber(std::string_view text, T* value, int base = 10) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), *value, base);
  return error == std::errc() && end == text.data() + text.size() && !text.empty() && text[0] != '-';
}

bool ParseSegmentNumber(std::string_view text, uint64_t* value) { return text.size() == 16 && ParseNumber(text, value, 16); }

std::vector<std::string_view> SplitDots(std::string_view text) {
  std::vector<std::string_view> parts;
  for (size_t begin = 0;;) {
    const size_t dot = text.find('.', begin);
    parts.push_back(text.substr(begin, dot - begin));
    if (dot == std::string_view::npos) return parts;
    begin = dot + 1;
  }
}

}  // namespace

uint32_t Crc32c(const char* data, size_t size, uint32_t previous) {
  // The library takes a pointer to non-const and only reads; it leaves the inversions to the caller.
  auto* bytes = reinterpret_cast<unsigned char*>(const_cast<char*>(data));
  return ~crc32_iscsi(bytes, static_cast<int>(size), ~previous);
}

uint32_t RecordCrc(const char* record, size_t length) {
  return Crc32c(record + kRecordHeaderBytes, length, Crc32c(record, sizeof(uint32_t)));
}

std::array<char, kSegmentHeaderBytes> EncodeHeader(const SegmentHeader& header) {
  std::array<char, kSegmentHeaderBytes> out{};
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  StoreU32(out.data() + 8, kVersion);
  // As they lie in memory: event.cc asserts that the machine is little-endian.
  std::memcpy(out.data() + 12, &header.day, 4);
  std::memcpy(out.data() + 16, &header.number, 8);
  std::memcpy(out.data() + 24, &header.created_ms, 8);
  const std::string batch = HexDecode(header.batch).value_or("");
  std::memcpy(out.data() + 32, batch.data(), std::min(batch.size(), kBatchBytes));
  StoreU32(out.data() + 60, Crc32c(out.data(), 60));
  return out;
}

StatusOr<SegmentHeader> DecodeHeader(const char* bytes) {
  if (std::string_view(bytes, kMagic.size()) != kMagic) return DataLoss("the header does not begin with VORASPL1");
  // Before the version, which could be one of the damaged bytes.
  if (LoadU32(bytes + 60) != Crc32c(bytes, 60)) return DataLoss("the header's checksum does not hold");
  if (LoadU32(bytes + 8) != kVersion) {
    return DataLoss("written by another version: format " + std::to_string(LoadU32(bytes + 8)) + ", this program reads format 1");
  }
  SegmentHeader header;
  std::memcpy(&header.day, bytes + 12, 4);
  std::memcpy(&header.number, bytes + 16, 8);
  std::memcpy(&header.created_ms, bytes + 24, 8);
  header.batch = HexEncode(std::string_view(bytes + 32, kBatchBytes));
  return header;
}

std::string FormatName(const SegmentName& name) {
  char number[32];
  std::snprintf(number, sizeof(number), "%016llx", static_cast<unsigned long long>(name.number));
  std::string text = number;
  switch (name.state) {
    case SegmentState::kOpen:
      return text + ".open";
    case SegmentState::kDamaged:
      return text + ".damaged";
    case SegmentState::kSalvage:
      std::snprintf(number, sizeof(number), "%016llx", static_cast<unsigned long long>(name.origin));
      text += std::string(".from.") + number;
      return text + "." + std::to_string(CalendarOf(name.day)) + "." + std::to_string(name.rows) + "." + std::to_string(name.bytes) +
             ".salvage";
    case SegmentState::kSealed:
    case SegmentState::kDoubt:
      break;
  }
  text += "." + std::to_string(CalendarOf(name.day)) + "." + std::to_string(name.rows) + "." + std::to_string(name.bytes);
  return text + (name.state == SegmentState::kSealed ? ".sealed" : ".doubt");
}

std::optional<SegmentName> ParseName(std::string_view text) {
  const std::vector<std::string_view> parts = SplitDots(text);
  SegmentName name;
  if (parts.size() < 2 || !ParseSegmentNumber(parts[0], &name.number)) return std::nullopt;
  const std::string_view state = parts.back();
  if (state == "damaged") {
    name.state = SegmentState::kDamaged;
    return name;
  }
  if (state == "open" && parts.size() == 2) return name;
  const bool salvage = state == "salvage" && parts.size() == 7 && parts[1] == "from" && ParseSegmentNumber(parts[2], &name.origin);
  const bool sealed = (state == "sealed" || state == "doubt") && parts.size() == 5;
  if (!salvage && !sealed) return std::nullopt;
  const size_t first = salvage ? 3 : 1;
  int64_t calendar = 0;
  if (!ParseNumber(parts[first], &calendar) || !ParseNumber(parts[first + 1], &name.rows) || !ParseNumber(parts[first + 2], &name.bytes)) {
    return std::nullopt;
  }
  const std::optional<int32_t> day = DayFromCalendar(calendar);
  if (!day) return std::nullopt;
  name.day = *day;
  name.state = salvage ? SegmentState::kSalvage : state == "sealed" ? SegmentState::kSealed : SegmentState::kDoubt;
  return name;
}

}  // namespace vora::analytics
