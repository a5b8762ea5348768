#pragma once

#include "libs/media/base/av_internal.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::media {

// Adds the subtitle streams of text to `info`, and a warning for each that cannot become captions.
void DescribeSubtitles(AVFormatContext* context, workflow::v1::MediaInfo* info);

}  // namespace vora::media
