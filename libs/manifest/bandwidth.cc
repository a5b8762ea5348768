#include <algorithm>
#include <cmath>

#include "libs/manifest/manifest.h"

namespace vora::manifest {
namespace {

int64_t BitsPerSecond(int64_t bytes, int64_t duration, int64_t timescale) {
  if (duration <= 0) return 0;
  const double bits = static_cast<double>(bytes) * 8 * static_cast<double>(timescale);
  return std::llround(bits / static_cast<double>(duration));
}

// RFC 8216 section 4.1: the largest rate of any run of segments lasting between 0.5 and 1.5 times the target duration.
int64_t PeakRate(const std::vector<Segment>& segments, int64_t timescale, int64_t target) {
  int64_t peak = 0;
  for (size_t first = 0; first < segments.size(); ++first) {
    int64_t bytes = 0, duration = 0;
    for (size_t last = first; last < segments.size(); ++last) {
      bytes += segments[last].bytes;
      duration += segments[last].duration;
      if (2 * duration > 3 * target) break;
      if (2 * duration >= target) peak = std::max(peak, BitsPerSecond(bytes, duration, timescale));
    }
  }
  return peak;
}

}  // namespace

Bandwidth MeasureBandwidth(const Track& track) {
  if (track.peak_bandwidth > 0) return {track.peak_bandwidth, track.average_bandwidth};
  int64_t bytes = 0, duration = 0, longest = 0;
  for (const Segment& segment : track.segments) {
    bytes += segment.bytes;
    duration += segment.duration;
    longest = std::max(longest, segment.duration);
  }
  if (duration <= 0) return {track.max_bitrate, track.max_bitrate};
  // The longest segment stands for the target duration, so that at least one run always counts.
  return {PeakRate(track.segments, track.timescale, longest), BitsPerSecond(bytes, duration, track.timescale)};
}

bool IsPlayable(const Presentation& presentation) {
  bool has_picture = false, picture = false, has_audio = false, audio = false;
  for (const Track& track : presentation.tracks) {
    const bool started = !track.segments.empty();
    if (track.is_video) {
      has_picture = true;
      picture |= started;
    } else {
      if (!has_audio) audio = started;
      has_audio = true;
    }
  }
  // A master playlist is loaded once: given out before the first sound, which is heard unasked, has begun, it would name none or another.
  return (picture || !has_picture) && (audio || !has_audio) && (picture || audio);
}

}  // namespace vora::manifest
