#pragma once

// Why a view stood still: its own events, beside what the gateway delivered to it. Pure.

#include <cstdint>
#include <string>
#include <vector>

#include "vora/analytics/v1/queries.pb.h"

namespace vora::metadata {

// A row of playback_events; see the migrations of services/analytics-ingest.
struct ViewEvent {
  int64_t server_ms = 0;
  int64_t player_ms = 0;  // 0: not given
  int64_t sequence = -1;  // below 0: none
  std::string type;       // `play`, ..., `delivery`
  int64_t position_ms = 0;
  int64_t duration_ms = 0;  // of the stall, the fetch, ...; of a delivery until its last byte
  std::string rendition;
  int64_t bitrate = 0;
  int64_t segment_index = -1;
  std::string error_code;
  int64_t buffer_ms = 0;
  std::string cache;  // deliveries: hit, miss, coalesced, bypass
  int64_t origin_ms = 0;
  int64_t bytes = 0;
  int64_t status = 0;
  std::string object;
};

// The stalls of one session, oldest first, each with its cause and a sentence for people. `events` are the session's, in any order. A
// delivery that is not there was answered by the edge's cache: then only the player's own fetches tell.
std::vector<analytics::v1::Stall> ExplainStalls(const std::vector<ViewEvent>& events);

}  // namespace vora::metadata
