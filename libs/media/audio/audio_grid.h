#pragma once

// Where the segments of an audio track are cut: at the AAC frame boundary nearest to the picture's segment times. Pure.

#include <cstdint>

#include "vora/media/v1/media.pb.h"

namespace vora::media {

inline constexpr int kAacFrame = 1024;  // samples

class AudioGrid {
 public:
  // The track is as long as the picture (`duration_seconds`), rounded up to whole AAC frames; every planned segment has at least one.
  AudioGrid(const media::v1::TrackPlan& plan, double duration_seconds);
  int segments() const { return segments_; }
  int sample_rate() const { return sample_rate_; }
  int64_t total_frames() const { return total_frames_; }
  // AAC frames of segment `index`: [FirstFrame, EndFrame).
  int64_t FirstFrame(int index) const;
  int64_t EndFrame(int index) const { return index + 1 >= segments_ ? total_frames_ : FirstFrame(index + 1); }

 private:
  int segments_;
  int sample_rate_;
  double segment_seconds_;
  int64_t total_frames_;
};

}  // namespace vora::media
