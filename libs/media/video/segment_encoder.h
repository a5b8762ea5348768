#pragma once

// Frames of one rendition to CMAF segments. Each segment is encoded by an encoder opened anew, so a segment is a pure function of its
// frames and the plan: whoever encodes it, alone or among others, makes the same bytes.

#include <cstdint>
#include <string>

#include "libs/core/status.h"
#include "libs/media/base/frame_layout.h"
#include "vora/media/v1/media.pb.h"

namespace vora::media {

// Frames in grid order, as FrameLayout(plan.width, plan.height).
class FrameFeed {
 public:
  virtual ~FrameFeed() = default;
  // The next frame, valid until Release; may wait. nullptr: no more will come (the other side is gone).
  virtual const uint8_t* Next() = 0;
  virtual void Release() = 0;
};

struct EncodedSegment {
  int index = 0;
  int64_t duration = 0;  // in the track's timescale
  std::string init;      // equal for every segment of a track
  std::string bytes;
  std::string codecs;  // RFC 6381
};

class SegmentEncoder {
 public:
  SegmentEncoder(media::v1::TrackPlan plan, const VideoColor& color) : plan_(std::move(plan)), color_(color) {}
  // Output frames of segment `index`.
  int64_t FirstFrame(int index) const;
  int64_t EndFrame(int index) const;
  // Takes the segment's frames from `feed`. CANCELLED when the feed ends early.
  StatusOr<EncodedSegment> Encode(int index, FrameFeed& feed);

 private:
  media::v1::TrackPlan plan_;
  VideoColor color_;
};

}  // namespace vora::media
