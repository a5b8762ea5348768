#pragma once

// Lays decoded audio on the presentation's clock: resampled, gaps filled with silence, what lies before the first picture cut off.

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "libs/core/status.h"
#include "libs/media/base/av_internal.h"

namespace vora::media {

class AudioTimeline {
 public:
  // Gives out blocks of `block` samples per channel (planar floats), `total` samples in all.
  using Consumer = std::function<Status(const std::vector<std::vector<float>>& planes)>;
  AudioTimeline(int sample_rate, int channels, double start_seconds, int64_t total, int block, Consumer consumer);
  ~AudioTimeline();

  // A decoded frame with its time on the source's clock.
  Status Add(const AVFrame& frame, double seconds);
  // Fills up to `total` with silence.
  Status Finish();
  bool full() const { return position_ >= total_; }

 private:
  Status Resample(const AVFrame* frame);
  Status Configure(const AVFrame& frame);
  Status Append(const float* const* planes, int64_t count);  // planes null: silence
  Status PutSilence(int64_t count);

  int sample_rate_;
  int channels_;
  double start_seconds_;
  int64_t total_;
  int block_;
  Consumer consumer_;
  SwrPtr swr_;
  int in_rate_ = 0, in_format_ = -1, in_channels_ = 0;
  bool begun_ = false;
  int64_t position_ = 0;  // of the next sample; negative: before the first picture, dropped
  int64_t drop_ = 0;      // samples to drop since the source repeats itself
  std::vector<std::vector<float>> pending_;
};

}  // namespace vora::media
