#include "services/analytics-ingest/events/event_builder.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "libs/core/time.h"

namespace vora::analytics {
namespace {

constexpr std::array<bool, 256> kIdBytes = [] {
  std::array<bool, 256> table{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();

struct TypeName {
  std::string_view name;
  EventType type;
};
constexpr std::array kEventTypes = {
    TypeName{"watch_time", EventType::kWatchTime},
    TypeName{"segment_fetched", EventType::kSegmentFetched},
    TypeName{"play", EventType::kPlay},
    TypeName{"pause", EventType::kPause},
    TypeName{"seek", EventType::kSeek},
    TypeName{"bitrate_selected", EventType::kBitrateSelected},
    TypeName{"stall", EventType::kStall},
    TypeName{"error", EventType::kError},
    TypeName{"ended", EventType::kEnded},
};

}  // namespace

bool IsIdText(std::string_view text) {
  if (text.empty() || text.size() > kMaxIdBytes) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return kIdBytes[static_cast<unsigned char>(c)]; });
}

bool ParseEventType(std::string_view name, EventType& type) {
  for (const TypeName& known : kEventTypes) {
    if (name != known.name) continue;
    type = known.type;
    return true;
  }
  return false;
}

void EventBuilder::Begin(const Event& base) {
  event = base;
  typed = false;
  viewer_id_.clear();
  field_ = nullptr;
  reason_.clear();
}

void EventBuilder::Wrong(const char* field, std::string_view reason) {
  if (field_ != nullptr) return;
  field_ = field;
  reason_ = reason;
}

void EventBuilder::Id(std::string& to, const char* field, std::string_view value) {
  if (!IsIdText(value)) return Wrong(field, "must be 1 to 64 characters of A-Z a-z 0-9 - _");
  to = value;
}

void EventBuilder::Label(std::string& to, const char* field, std::string_view value, size_t limit) {
  if (value.size() > limit) return Wrong(field, "may have at most " + std::to_string(limit) + " characters");
  const bool printable = std::all_of(value.begin(), value.end(), [](char c) { return c >= 0x20 && c < 0x7f; });
  if (!printable) return Wrong(field, "may hold printable ASCII only");
  to = value;
}

void EventBuilder::Viewer(std::string_view value) {
  if (value.size() > kMaxIdBytes) return Wrong("viewer_id", "may have at most 64 bytes");
  viewer_id_ = value;
}

void EventBuilder::Seconds(uint32_t& to_ms, const char* field, double value) {
  // Not a number fails both comparisons.
  if (!(value >= 0 && value <= kMaxPositionSeconds)) return Wrong(field, "must be from 0 to 604800 seconds");
  to_ms = static_cast<uint32_t>(std::lround(value * 1000));
}

bool EventBuilder::Count(const char* field, int64_t value, int64_t limit) {
  if (value >= 0 && value <= limit) return true;
  Wrong(field, "must be from 0 to " + std::to_string(limit));
  return false;
}

void EventBuilder::Type(std::string_view name) {
  typed = ParseEventType(name, event.type);
  if (!typed) Wrong("type", "must be one of play, pause, seek, segment_fetched, watch_time, bitrate_selected, stall, error, ended");
}

void EventBuilder::PlayerTime(int64_t unix_ms) {
  if (Count("player_time", unix_ms, kMaxUnixMs)) event.player_ms = unix_ms;
}

void EventBuilder::PlayerTime(std::string_view rfc3339) {
  const int64_t unix_ms = ParseRfc3339(rfc3339).value_or(-1);
  if (unix_ms < 0) return Wrong("player_time", "must be an RFC 3339 time from 1970 on, or Unix milliseconds");
  event.player_ms = unix_ms;
}

void EventBuilder::CheckComplete() {
  if (!ok()) return;
  if (event.video_id.empty()) return Wrong("video_id", "is missing");
  if (event.session_id.empty()) return Wrong("session_id", "is missing");
  if (!typed) Wrong("type", "is missing");
}

}  // namespace vora::analytics
