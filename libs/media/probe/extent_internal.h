#pragma once

// How long the picture really is.

#include "libs/core/status.h"
#include "libs/media/video/video_reader_internal.h"

namespace vora::media {

struct Extent {
  double end_seconds = 0;  // end of the last frame on the source's clock
  bool cut_off = false;    // the container promises more than the file holds
  double promised_seconds = 0;
  bool trimmed = false;  // the end has moved to where the last frames and audio are
  int64_t packets = 0;   // of the part that was scanned; 0 when none was
  double scanned_seconds = 0;
};

// From a trustworthy index, else by reading the packets of the last seconds, else all packets. A length is believed only as far as pictures
// and audio bear it out: media.too_long for a hole of more than ActiveSourceLimits().max_gap_seconds, while one at the end is cut away;
// media.unreadable for an index that lists more than the file can hold.
StatusOr<Extent> MeasureExtent(VideoReader& reader, ByteSource& source, double frame_seconds);

}  // namespace vora::media
