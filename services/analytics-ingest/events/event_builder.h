#pragma once

// Fills one Event from outside data and checks each field. The first mistake is kept and named; later values are then of no account.

#include <cstdint>
#include <string>
#include <string_view>

#include "services/analytics-ingest/events/event.h"

namespace vora::analytics {

inline constexpr int64_t kMaxSequence = int64_t{1} << 53;      // what JavaScript counts without loss
inline constexpr int64_t kMaxObjectSize = int64_t{1} << 53;    // bytes
inline constexpr int64_t kMaxThroughput = kMaxBitrate * 1000;  // bits/s
inline constexpr int64_t kMaxUnixMs = 253'402'300'799'999;     // the end of the year 9999

// 1 to kMaxIdBytes of A-Z a-z 0-9 - _
bool IsIdText(std::string_view text);
// `play` ... `ended`; false: none of them.
bool ParseEventType(std::string_view name, EventType& type);

class EventBuilder {
 public:
  // Begins with the values of `base`.
  void Begin(const Event& base);

  void Id(std::string& to, const char* field, std::string_view value);
  void Label(std::string& to, const char* field, std::string_view value, size_t limit = kMaxIdBytes);  // printable ASCII
  void Seconds(uint32_t& to_ms, const char* field, double value);                                      // 0 to kMaxPositionSeconds
  // True when 0 <= value <= limit.
  bool Count(const char* field, int64_t value, int64_t limit);
  void Viewer(std::string_view value);  // only checked and remembered
  void Type(std::string_view name);
  void PlayerTime(int64_t unix_ms);
  void PlayerTime(std::string_view rfc3339);
  void Wrong(const char* field, std::string_view reason);
  // What is missing without which an event means nothing.
  void CheckComplete();

  Event event;
  bool typed = false;
  const std::string& viewer_id() const { return viewer_id_; }
  bool ok() const { return field_ == nullptr; }
  const char* field() const { return field_; }
  const std::string& reason() const { return reason_; }

 private:
  std::string viewer_id_;
  const char* field_ = nullptr;
  std::string reason_;
};

}  // namespace vora::analytics
