#include <chrono>
#include <map>

#include "libs/core/clock.h"
#include "libs/layout/layout.h"
#include "libs/layout/track_kind.h"
#include "libs/manifest/manifest.h"
#include "libs/workflow/definition/payload.h"
#include "services/transcode-worker/activities/activities.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/role_activity.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {
namespace {

using media::v1::TrackPlan;
using media::v1::TrackSegments;
using workflow::ActivityExecution;
using workflow::ActivityOutcome;

manifest::Track ToTrack(const TrackPlan& plan, const TrackSegments& segments) {
  manifest::Track track;
  track.name = plan.name();
  track.is_video = layout::TrackKindOf(plan.kind()).is_video;
  // Those that the encoder named are exact; those of the plan were known before it ran.
  track.codecs = segments.codecs().empty() ? plan.codecs() : segments.codecs();
  track.width = plan.width();
  track.height = plan.height();
  track.frame_rate_num = plan.frame_rate_num();
  track.frame_rate_den = plan.frame_rate_den() > 0 ? plan.frame_rate_den() : 1;
  track.sample_rate = plan.audio().sample_rate();
  track.channels = plan.audio().channels();
  track.timescale = plan.timescale();
  track.max_bitrate = track.is_video ? plan.rung().max_bitrate() : plan.audio().bitrate();
  track.complete = true;
  for (const auto& segment : segments.segments()) track.segments.push_back({segment.index(), segment.duration(), segment.bytes()});
  return track;
}

ActivityOutcome Publish(const WorkerContext& context, const ActivityExecution& execution, const std::map<std::string, std::string>& texts) {
  workflow::v1::PublishResult result;
  for (const auto& [key, text] : texts) {
    const bool hls = key.ends_with(".m3u8");
    const Status status = context.publisher().Replace(key, text, hls ? "application/vnd.apple.mpegurl" : "application/dash+xml",
                                                      [&] { return execution.stopping(); });
    if (!status.ok()) return ToOutcome(FailureOf(status));
    result.add_keys(key);
  }
  return ActivityOutcome::Ok(workflow::ToPayload(result));
}

}  // namespace

ActivityOutcome PublishTrack(const WorkerContext& context, ActivityExecution& execution) {
  workflow::v1::PublishTrackInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  const manifest::Track track = ToTrack(input.track(), input.segments());
  return Publish(context, execution,
                 {{layout::InTrack(input.object_prefix(), track.name, layout::kMediaPlaylist),
                   manifest::HlsMedia(track, input.track().segment_seconds())}});
}

ActivityOutcome PublishMasters(const WorkerContext& context, ActivityExecution& execution) {
  workflow::v1::PublishMastersInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  manifest::Presentation presentation;
  presentation.duration_seconds = input.duration_seconds();
  presentation.complete = true;
  for (const TrackPlan& plan : input.tracks()) {
    for (const TrackSegments& segments : input.segments()) {
      if (segments.track() != plan.name()) continue;
      presentation.tracks.push_back(ToTrack(plan, segments));
      if (presentation.tracks.back().is_video) presentation.target_segment_seconds = plan.segment_seconds();
      break;
    }
  }
  for (const auto& caption : input.captions()) {
    presentation.captions.push_back(
        {caption.track(), caption.language(), caption.name(), caption.bytes(), caption.forced(), caption.hearing_impaired()});
  }
  if (!manifest::IsPlayable(presentation)) return ToOutcome(FailureOf(InvalidArgument("no finished track can be played")));
  const int64_t now = ToUnixMs(Clock::Real().Now());
  return Publish(context, execution,
                 {{layout::InPrefix(input.object_prefix(), layout::kMasterPlaylist), manifest::HlsMaster(presentation)},
                  {layout::InPrefix(input.object_prefix(), layout::kDashManifest), manifest::DashMpd(presentation, now, now)}});
}

}  // namespace vora::transcode
