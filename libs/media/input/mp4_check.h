#pragma once

// Looks at the boxes of an MP4 or MOV file before a demuxer does: references to other files, and an index larger than the limits.

#include "libs/core/status.h"
#include "libs/media/base/byte_source.h"
#include "libs/media/base/source_limits.h"

namespace vora::media {

// OK for anything that is no MP4, or whose boxes make no sense (the demuxer judges those). media.external_reference: a data reference
// (dref) or reference movie (rmra) that names another file. media.too_large: more tracks, or a larger index, than `limits`. Reads a few
// bytes per box up to the end of the index.
Status CheckMp4(ByteSource& source, const SourceLimits& limits);

}  // namespace vora::media
