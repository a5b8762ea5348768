#pragma once

// Presentations used by the manifest tests.

#include <initializer_list>

#include "libs/manifest/manifest.h"

namespace vora::manifest {

inline Track VideoTrack(std::string name, int width, int height, int64_t cap, std::initializer_list<int64_t> bytes, bool complete) {
  Track track;
  track.name = std::move(name);
  track.codecs = "avc1.640028";
  track.width = width;
  track.height = height;
  track.frame_rate_num = 30000;
  track.frame_rate_den = 1001;
  track.timescale = 30000;
  track.max_bitrate = cap;
  track.complete = complete;
  for (const int64_t size : bytes) track.segments.push_back({static_cast<int>(track.segments.size()), 120 * 1001, size});
  return track;
}

inline Track AudioTrack(std::string name, std::string language, std::initializer_list<int64_t> bytes, bool complete) {
  Track track;
  track.name = std::move(name);
  track.is_video = false;
  track.codecs = "mp4a.40.2";
  track.sample_rate = 48000;
  track.channels = 2;
  track.language = std::move(language);
  track.timescale = 48000;
  track.max_bitrate = 128000;
  track.complete = complete;
  for (const int64_t size : bytes) track.segments.push_back({static_cast<int>(track.segments.size()), 192512, size});
  return track;
}

}  // namespace vora::manifest
