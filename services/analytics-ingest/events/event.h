#pragma once

// One row of the table playback_events (services/analytics-ingest/shipper/schema.h), as it is accepted, spooled and inserted.

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/core/caller.h"
#include "libs/core/status.h"

namespace vora::analytics {

// The values are those of the Enum8 columns.
enum class EventType : int8_t {
  kPlay = 1,
  kPause,
  kSeek,
  kSegmentFetched,
  kWatchTime,
  kBitrateSelected,
  kStall,
  kError,
  kEnded,
  kDelivery
};
enum class EventSource : int8_t { kJson = 1, kCmcd = 2, kGrpc = 3, kGateway = 4 };

// Limits, named in every refusal.
inline constexpr size_t kMaxIdBytes = 64;  // video_id, session_id, tenant, rendition, error_code, viewer_id
inline constexpr size_t kMaxObjectBytes = 128;
inline constexpr double kMaxPositionSeconds = 7 * 86400;
inline constexpr int64_t kMaxBitrate = 4'000'000'000;

struct Event {
  int64_t server_ms = 0;  // Unix time, when it was received
  int64_t player_ms = 0;  // Unix time by the player's clock; 0: not given
  std::string tenant = kDefaultTenant;
  std::string video_id;
  std::string session_id;
  int64_t sequence = -1;  // >= 0: the player's. Below: none; then a random negative one, so that two such events stay two
  EventType type = EventType::kPlay;
  EventSource source = EventSource::kJson;
  uint32_t position_ms = 0;
  uint32_t duration_ms = 0;
  std::string rendition;
  uint32_t bitrate = 0;  // bits/s
  int32_t segment_index = -1;
  std::string error_code;
  uint32_t buffer_ms = 0;
  uint32_t throughput_kbps = 0;
  std::string viewer;      // hash, 32 hex digits, or empty
  std::string client_net;  // 203.0.113.0/24, 2001:db8::/48, or empty
  std::string cache;       // deliveries only, with the next four: hit, miss, coalesced, bypass
  uint32_t origin_ms = 0;
  uint64_t bytes = 0;
  uint16_t status = 0;
  std::string object;
};

// The row in ClickHouse's RowBinary, all columns of kRowColumns but the last, `batch`, which the shipper adds. event_date and event_time
// come from server_ms. Appends to `out`.
void AppendRow(const Event& event, std::string& out);
// Names in the order of AppendRow, comma-separated, ending in `batch`.
extern const char kRowColumns[];
// The UTC day of server_ms, in days since 1970: a spool segment and an insert hold rows of one day only, so that an insert is one part.
int32_t DayOf(int64_t server_ms);

}  // namespace vora::analytics
