#pragma once

// Decodes a span of the output grid once and scales every frame for several renditions straight into the buffers of whoever consumes them.

#include <cstdint>
#include <vector>

#include "libs/core/status.h"
#include "libs/media/base/byte_source.h"
#include "libs/media/base/frame_layout.h"
#include "vora/media/v1/media.pb.h"

namespace vora::media {

struct GridOutput {
  int width = 0;
  int height = 0;
  int64_t first_frame = 0;  // on the output grid
  int64_t end_frame = 0;
};

// Where frames go. Called from one thread; frames of one output come in grid order.
class FrameSink {
 public:
  virtual ~FrameSink() = default;
  // The first thing called, once the source is open.
  virtual void Start(const VideoColor& color) = 0;
  // FrameLayout(width, height).bytes to fill; may wait. nullptr: this output is not wanted any more.
  virtual uint8_t* Acquire(size_t output) = 0;
  virtual void Commit(size_t output) = 0;
  // True when no output is wanted any more.
  virtual bool Stopped() = 0;
};

struct GridDecodeOptions {
  int threads = 2;
};

struct GridDecodeStats {
  double decode_seconds = 0;  // without the time waited in Acquire
  int64_t bad_frames = 0;
};

// Frames missing at the end of a damaged source repeat the last one. media.unreadable when not one picture can be had.
StatusOr<GridDecodeStats> DecodeToGrid(ByteSource& source, const media::v1::VideoStream& video, const std::vector<GridOutput>& outputs,
                                       FrameSink& sink, const GridDecodeOptions& options = {});

}  // namespace vora::media
