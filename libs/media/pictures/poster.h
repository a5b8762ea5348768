#pragma once

// A still picture that stands for the video.

#include <string>

#include "libs/core/status.h"
#include "libs/media/base/byte_source.h"
#include "vora/media/v1/media.pb.h"

namespace vora::media {

// A JPEG of a frame near `at_seconds` (0: a tenth of the duration), at most `max_width` wide (0: 1280). A dark or flat picture is passed
// over for a livelier one from elsewhere in the video.
StatusOr<std::string> MakePoster(ByteSource& source, const media::v1::MediaInfo& media, double at_seconds, int max_width);

}  // namespace vora::media
