#pragma once

// Common Media Client Data, CTA-5004 (version 1) and CTA-5004-A (version 2): what a player says of itself with its requests, and, in
// version 2, in events of its own. Pure.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace vora::cmcd {

// The keys Vora reads. Others, also custom ones (`com.example-key`), are skipped as the specification demands.
struct Cmcd {
  int version = 1;                                   // v
  std::string session_id;                            // sid, at most 64 characters
  std::string content_id;                            // cid, at most 128 (version 1: 64) characters
  std::optional<int64_t> bitrate_kbps;               // br (of an inner list in version 2: the video's, else the first)
  std::optional<int64_t> top_bitrate_kbps;           // tb
  std::optional<int64_t> buffer_ms;                  // bl
  std::optional<int64_t> object_duration_ms;         // d
  std::optional<int64_t> throughput_kbps;            // mtp
  std::optional<int64_t> deadline_ms;                // dl
  std::optional<int64_t> requested_throughput_kbps;  // rtp
  std::optional<int64_t> time_to_first_byte_ms;      // ttfb (version 2)
  std::optional<int64_t> time_to_last_byte_ms;       // ttlb (version 2)
  std::optional<int64_t> timestamp_ms;               // ts, Unix time (version 2)
  std::optional<int64_t> sequence;                   // sn (version 2)
  std::optional<int64_t> position_ms;                // pt, the playhead (version 2)
  std::optional<int64_t> startup_ms;                 // msd, media start delay (version 2)
  std::optional<int64_t> stall_ms;                   // bsd, buffer starvation duration (version 2)
  std::optional<int64_t> response_status;            // rc (version 2)
  std::optional<double> playback_rate;               // pr
  std::string object_type;                           // ot: m a v av i c tt k o
  std::string stream_format;                         // sf: d h s o ...
  std::string stream_type;                           // st: v l ...
  std::string next_object;                           // nor
  std::string event;                                 // e: ps e t c b m um pe pc rr ... (version 2)
  std::string player_state;                          // sta: s p k r a w e f q d (version 2)
  std::string error_code;                            // ec (version 2)
  std::string url;                                   // url of a response event (version 2)
  bool startup = false;                              // su
  bool buffer_starved = false;                       // bs
};

// One list of key-value pairs, as in the query argument `CMCD` (already percent-decoded), a header, or a line of event mode.
// INVALID_ARGUMENT names the key and what is wrong with it; limit 4096 characters.
StatusOr<Cmcd> Parse(std::string_view text);
// The four headers CMCD-Object, CMCD-Request, CMCD-Session, CMCD-Status (empty ones are left out) as one.
StatusOr<Cmcd> ParseHeaders(std::string_view object, std::string_view request, std::string_view session, std::string_view status);
// A body of event mode (`application/cmcd`): one list per line. Each line stands by itself: a bad one does not spoil the others.
std::vector<StatusOr<Cmcd>> ParseEvents(std::string_view body);

}  // namespace vora::cmcd
