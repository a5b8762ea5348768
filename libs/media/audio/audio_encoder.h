#pragma once

// The whole audio track to CMAF segments: decoded, resampled, aligned to the picture, AAC. One pass, so there is no seam between segments.

#include <functional>

#include "libs/core/status.h"
#include "libs/media/base/byte_source.h"
#include "libs/media/video/segment_encoder.h"
#include "vora/media/v1/media.pb.h"

namespace vora::media {

// Calls `on_segment` for every segment in order, as soon as it is finished; its error ends the work. A pure function of source and plan.
// media.unreadable, media.unsupported_codec.
Status EncodeAudioTrack(ByteSource& source, const media::v1::MediaInfo& media, const media::v1::TrackPlan& plan,
                        const std::function<Status(EncodedSegment)>& on_segment);

}  // namespace vora::media
