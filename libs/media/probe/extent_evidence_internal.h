#pragma once

// How far the packets of a file bear out the length it claims.

#include <vector>

#include "libs/core/status.h"
#include "libs/media/base/av_internal.h"
#include "libs/media/probe/extent_internal.h"

namespace vora::media {

// The seconds at which pictures of `video` and audio begin, by the index of an MP4 file; unordered.
std::vector<double> IndexedTimes(AVFormatContext* context, AVStream* video);
// The same by reading all packets.
StatusOr<std::vector<double>> AllTimes(ByteSource& source);
// Ends `extent` after the last of `times` when what it claims beyond is longer than the limit of gaps. media.too_long for such a gap
// before.
Status TrimToEvidence(std::vector<double> times, Extent* extent);
// media.unreadable when the index of a file lists far more bytes than it has.
Status CheckIndexedBytes(AVFormatContext* context, int64_t source_bytes);

}  // namespace vora::media
