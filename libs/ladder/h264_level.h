#pragma once

// The smallest H.264 level that holds a stream (Rec. ITU-T H.264, table A-1), and its RFC 6381 name. Pure.

#include <cstdint>
#include <string>
#include <string_view>

namespace vora::ladder {

// level_idc: ten times the level, e.g. 31. `max_bitrate` in bits/s. The highest level when none is enough.
int H264LevelIdc(int width, int height, double frames_per_second, int64_t max_bitrate, std::string_view profile);
// `avc1.64001f`
std::string H264Codecs(int width, int height, double frames_per_second, int64_t max_bitrate, std::string_view profile);

}  // namespace vora::ladder
