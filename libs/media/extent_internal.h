#pragma once

// How long the picture really is.

#include "libs/core/status.h"
#include "libs/media/video_reader_internal.h"

namespace vora::media {

struct Extent {
  double end_seconds = 0;  // end of the last frame on the source's clock
  bool cut_off = false;    // the container promises more than the file holds
  double promised_seconds = 0;
  int64_t packets = 0;  // of the part that was scanned; 0 when none was
  double scanned_seconds = 0;
};

// From a trustworthy index, else by reading the packets of the last seconds, else all packets.
StatusOr<Extent> MeasureExtent(VideoReader& reader, int64_t source_bytes, double frame_seconds);

}  // namespace vora::media
