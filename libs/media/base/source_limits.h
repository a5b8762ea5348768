#pragma once

// What a source may ask of a worker. One place for all figures; the transcode worker makes settings of them.

#include <cstdint>
#include <string>
#include <string_view>

namespace vora::media {

struct SourceLimits {
  int64_t max_pixels = int64_t{8192} * 8192;      // of one picture; a side has at most kMaxSide
  double max_duration_seconds = 48 * 3600;        // of the video
  double max_gap_seconds = 600;                   // without any video or audio in between
  int64_t max_frames = 10'000'000;                // pictures listed by the file's index
  int64_t max_streams = 100;                      // tracks of all kinds
  int64_t max_header_bytes = int64_t{256} << 20;  // of an MP4 file's index (moov), unpacked
  int64_t max_channels = 64;                      // of an audio track; one with more is left out
  int64_t max_sample_rate = 768'000;              // likewise, samples a second

  // All figures on one line, and back; Parse keeps the default of what is missing.
  std::string Text() const;
  static SourceLimits Parse(std::string_view text);
};

inline constexpr int kMaxSide = 8192;
inline constexpr int kMinSampleRate = 1000;

// Of this process: set once, before any source is opened. A process that decodes serves one worker.
void SetSourceLimits(const SourceLimits& limits);
const SourceLimits& ActiveSourceLimits();

}  // namespace vora::media
