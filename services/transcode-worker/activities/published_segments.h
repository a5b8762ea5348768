#pragma once

// The segments of a track as they lie in the store: their names say which they are, the plan how long each is.

#include <functional>
#include <vector>

#include "libs/manifest/manifest.h"
#include "services/transcode-worker/activities/worker_context.h"
#include "vora/media/v1/media.pb.h"

namespace vora::transcode {

// How long each segment of the plan is, in its timescale; their bytes are left 0. `duration_seconds` is that of the video.
std::vector<manifest::Segment> PlannedSegments(const media::v1::TrackPlan& plan, double duration_seconds);

// The same with their bytes. FAILED_PRECONDITION when one is not in the store.
StatusOr<std::vector<manifest::Segment>> ListSegments(const WorkerContext& context, const std::string& object_prefix,
                                                      const media::v1::TrackPlan& plan, double duration_seconds,
                                                      const std::function<bool()>& stopped);

}  // namespace vora::transcode
