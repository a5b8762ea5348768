#include "libs/media/base/source_limits.h"

#include <cstdio>

namespace vora::media {
namespace {

SourceLimits active;

}  // namespace

std::string SourceLimits::Text() const {
  char text[256];
  std::snprintf(text, sizeof text, "%lld:%.3f:%.3f:%lld:%lld:%lld:%lld:%lld", static_cast<long long>(max_pixels), max_duration_seconds,
                max_gap_seconds, static_cast<long long>(max_frames), static_cast<long long>(max_streams),
                static_cast<long long>(max_header_bytes), static_cast<long long>(max_channels), static_cast<long long>(max_sample_rate));
  return text;
}

SourceLimits SourceLimits::Parse(std::string_view text) {
  SourceLimits limits;
  long long pixels = limits.max_pixels, frames = limits.max_frames, streams = limits.max_streams, header = limits.max_header_bytes,
            channels = limits.max_channels, rate = limits.max_sample_rate;
  std::sscanf(std::string(text).c_str(), "%lld:%lf:%lf:%lld:%lld:%lld:%lld:%lld", &pixels, &limits.max_duration_seconds,
              &limits.max_gap_seconds, &frames, &streams, &header, &channels, &rate);
  limits.max_pixels = pixels;
  limits.max_frames = frames;
  limits.max_streams = streams;
  limits.max_header_bytes = header;
  limits.max_channels = channels;
  limits.max_sample_rate = rate;
  return limits;
}

void SetSourceLimits(const SourceLimits& limits) { active = limits; }
const SourceLimits& ActiveSourceLimits() { return active; }

}  // namespace vora::media
