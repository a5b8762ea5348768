#include "libs/media/audio/audio_grid.h"

#include <algorithm>
#include <cmath>

namespace vora::media {

AudioGrid::AudioGrid(const media::v1::TrackPlan& plan, double duration_seconds)
    : segments_(std::max(1, plan.segments_total())),
      sample_rate_(plan.audio().sample_rate() > 0 ? plan.audio().sample_rate() : 48000),
      segment_seconds_(plan.segment_seconds()),
      total_frames_(0) {
  // A shade less, so that a length which rounding made a hair longer does not cost a frame more.
  const int64_t frames = static_cast<int64_t>(std::ceil(duration_seconds * sample_rate_ / kAacFrame - 1e-6));
  total_frames_ = std::max(frames, FirstFrame(segments_ - 1) + 1);
}

int64_t AudioGrid::FirstFrame(int index) const { return std::llround(index * segment_seconds_ * sample_rate_ / kAacFrame); }

}  // namespace vora::media
