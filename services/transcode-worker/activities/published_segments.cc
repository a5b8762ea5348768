#include "services/transcode-worker/activities/published_segments.h"

#include <algorithm>

#include "libs/layout/layout.h"
#include "libs/layout/track_kind.h"
#include "libs/media/audio/audio_grid.h"
#include "libs/media/video/segment_encoder.h"

namespace vora::transcode {

using manifest::Segment;
using media::v1::TrackPlan;

std::vector<Segment> PlannedSegments(const TrackPlan& plan, double duration_seconds) {
  std::vector<Segment> segments(static_cast<size_t>(std::max(0, plan.segments_total())));
  const auto fill = [&](const auto& grid, int64_t unit) {
    for (int i = 0; i < plan.segments_total(); ++i) {
      segments[static_cast<size_t>(i)] = {i, (grid.EndFrame(i) - grid.FirstFrame(i)) * unit, 0};
    }
  };
  if (layout::TrackKindOf(plan.kind()).is_video) {
    fill(media::SegmentEncoder(plan, {}), plan.frame_rate_den());
  } else {
    fill(media::AudioGrid(plan, duration_seconds), media::kAacFrame);
  }
  return segments;
}

StatusOr<std::vector<Segment>> ListSegments(const WorkerContext& context, const std::string& object_prefix, const TrackPlan& plan,
                                            double duration_seconds, const std::function<bool()>& stopped) {
  std::vector<Segment> segments = PlannedSegments(plan, duration_seconds);
  const std::string folder = layout::InTrack(object_prefix, plan.name(), "");
  std::string token;
  do {
    storage::ListPage page;
    VORA_RETURN_IF_ERROR(WaitOutFaults(context.options().store_patience, stopped, [&]() -> Status {
      VORA_ASSIGN_OR_RETURN(page, context.stores().processed.List(folder, token));
      return {};
    }));
    for (const auto& object : page.objects) {
      const auto index = layout::SegmentIndex(layout::FileOf(object.key));
      if (index && *index < plan.segments_total()) segments[static_cast<size_t>(*index)].bytes = object.size;
    }
    token = page.next_token;
  } while (!token.empty());
  const auto missing = std::find_if(segments.begin(), segments.end(), [](const Segment& segment) { return segment.bytes == 0; });
  if (missing == segments.end()) return segments;
  return FailedPrecondition(folder + layout::Segment(missing->index) + " was published and is not in the store any more");
}

}  // namespace vora::transcode
