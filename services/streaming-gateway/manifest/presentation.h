#pragma once

// From what metadata says of a video to what a manifest says of it.

#include <cstdint>
#include <string_view>

#include "libs/manifest/manifest.h"
#include "vora/playback/v1/playback.pb.h"

namespace vora::gateway {

// Failed tracks are left out. `path_prefix` is the re-encode's folder ("r2/"), so that URIs are relative to /v/{video_id}/.
manifest::Presentation ToManifest(const playback::v1::Presentation& presentation);

// The re-encode's folder of an object prefix: "" for processed/{id}, "r2/" for processed/{id}/r2.
std::string RevisionOf(const playback::v1::Presentation& presentation);

// availabilityStartTime of a growing MPD: when the id was made (UUIDv7, RFC 9562 section 5.7) less the video's duration. So every replica
// says the same, and by the clock no segment is in the future however fast it was encoded.
int64_t AvailabilityStartMs(std::string_view video_id, double duration_seconds);

}  // namespace vora::gateway
