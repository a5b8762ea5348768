#pragma once

// The segments of a track as they travel in payloads: a list of tens of thousands takes a few bytes each. Pure.

#include <vector>

#include "libs/core/status.h"
#include "vora/media/v1/media.pb.h"

namespace vora::layout {

// With the fields of the packed form in place of `segments`. Their indices must follow each other without gaps.
media::v1::TrackSegments Pack(media::v1::TrackSegments segments);
// The segments of either form. INVALID_ARGUMENT when it is no such list.
StatusOr<std::vector<media::v1::SegmentInfo>> Unpack(const media::v1::TrackSegments& segments);

}  // namespace vora::layout
