#pragma once

#include "libs/media/base/av_internal.h"
#include "vora/media/v1/media.pb.h"

namespace vora::media {

// Adds the subtitle streams of text to `info`, and a warning for each that cannot become captions.
void DescribeSubtitles(AVFormatContext* context, media::v1::MediaInfo* info);

}  // namespace vora::media
