#pragma once

// What a source is, and the output grid that follows from it.

#include "libs/core/status.h"
#include "libs/media/base/byte_source.h"
#include "vora/media/v1/media.pb.h"

namespace vora::media {

// Reads the container, decodes the first picture, and looks at the end of the file when the container does not know (or overstates) its
// length. Media faults: media.empty, media.unreadable, media.truncated, media.no_video, media.too_large, media.too_long,
// media.unsupported_codec, media.not_a_video, media.external_reference. What a source may ask for: ActiveSourceLimits.
StatusOr<media::v1::MediaInfo> Probe(ByteSource& source);

}  // namespace vora::media
