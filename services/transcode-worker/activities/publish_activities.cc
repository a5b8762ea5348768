#include <algorithm>
#include <chrono>
#include <map>

#include "libs/core/clock.h"
#include "libs/layout/layout.h"
#include "libs/layout/track_kind.h"
#include "libs/manifest/manifest.h"
#include "libs/media/cmaf/fmp4.h"
#include "libs/workflow/definition/payload.h"
#include "services/transcode-worker/activities/activities.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/published_segments.h"
#include "services/transcode-worker/activities/role_activity.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {
namespace {

using media::v1::TrackPlan;
using media::v1::TrackSegments;
using workflow::ActivityExecution;
using workflow::ActivityOutcome;

manifest::Track ToTrack(const TrackPlan& plan, const std::string& codecs) {
  manifest::Track track;
  track.name = plan.name();
  track.is_video = layout::TrackKindOf(plan.kind()).is_video;
  // Those that the encoder named are exact; those of the plan were known before it ran.
  track.codecs = codecs.empty() ? plan.codecs() : codecs;
  track.width = plan.width();
  track.height = plan.height();
  track.frame_rate_num = plan.frame_rate_num();
  track.frame_rate_den = plan.frame_rate_den() > 0 ? plan.frame_rate_den() : 1;
  track.sample_rate = plan.audio().sample_rate();
  track.channels = plan.audio().channels();
  track.language = plan.language();
  track.label = plan.label();
  track.role = plan.role();
  track.timescale = plan.timescale();
  track.max_bitrate = track.is_video ? plan.rung().max_bitrate() : plan.audio().bitrate();
  track.complete = true;
  return track;
}

// Of runs from before groups, whose inputs list the segments.
manifest::Track ToTrack(const TrackPlan& plan, const TrackSegments& segments) {
  manifest::Track track = ToTrack(plan, segments.codecs());
  for (const auto& segment : segments.segments()) track.segments.push_back({segment.index(), segment.duration(), segment.bytes()});
  return track;
}

StatusOr<manifest::Track> ReadTrack(const WorkerContext& context, const ActivityExecution& execution,
                                    const workflow::v1::PublishTrackInput& input) {
  if (input.has_segments()) return ToTrack(input.track(), input.segments());
  const auto stopped = [&] { return execution.stopping(); };
  VORA_ASSIGN_OR_RETURN(const std::string init,
                        context.publisher().Get(layout::InTrack(input.object_prefix(), input.track().name(), layout::kInit), stopped));
  manifest::Track track = ToTrack(input.track(), media::CodecsOfInit(init));
  VORA_ASSIGN_OR_RETURN(track.segments, ListSegments(context, input.object_prefix(), input.track(), input.duration_seconds(), stopped));
  return track;
}

// What the track's own playlist lists, as masters need it.
manifest::Track OfSummary(const TrackPlan& plan, const media::v1::TrackSummary& summary, double duration_seconds) {
  manifest::Track track = ToTrack(plan, summary.codecs());
  track.segments = PlannedSegments(plan, duration_seconds);
  track.peak_bandwidth = summary.peak_bandwidth();
  track.average_bandwidth = summary.average_bandwidth();
  return track;
}

ActivityOutcome Publish(const WorkerContext& context, const ActivityExecution& execution, const std::map<std::string, std::string>& texts,
                        workflow::v1::PublishResult result = {}) {
  for (const auto& [key, text] : texts) {
    const bool hls = key.ends_with(".m3u8");
    const Status status =
        context.publisher().Replace(key, text, hls ? "application/vnd.apple.mpegurl" : "application/dash+xml", WriterOf(execution));
    if (!status.ok()) return ToOutcome(FailureOf(status));
    result.add_keys(key);
  }
  return ActivityOutcome::Ok(workflow::ToPayload(result));
}

}  // namespace

ActivityOutcome PublishTrack(const WorkerContext& context, ActivityExecution& execution) {
  workflow::v1::PublishTrackInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  const auto track = ReadTrack(context, execution, input);
  if (!track.ok()) return ToOutcome(FailureOf(track.status()));
  workflow::v1::PublishResult result;
  auto* summary = result.mutable_summary();
  summary->set_track(track->name);
  summary->set_codecs(track->codecs);
  const manifest::Bandwidth bandwidth = manifest::MeasureBandwidth(*track);
  summary->set_peak_bandwidth(bandwidth.peak);
  summary->set_average_bandwidth(bandwidth.average);
  return Publish(context, execution,
                 {{layout::InTrack(input.object_prefix(), track->name, layout::kMediaPlaylist),
                   manifest::HlsMedia(*track, input.track().segment_seconds())}},
                 std::move(result));
}

ActivityOutcome PublishMasters(const WorkerContext& context, ActivityExecution& execution) {
  workflow::v1::PublishMastersInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  manifest::Presentation presentation;
  presentation.duration_seconds = input.duration_seconds();
  presentation.complete = true;
  for (const TrackPlan& plan : input.tracks()) {
    const auto of_plan = [&](const auto& one) { return one.track() == plan.name(); };
    const auto segments = std::find_if(input.segments().begin(), input.segments().end(), of_plan);
    const auto summary = std::find_if(input.summaries().begin(), input.summaries().end(), of_plan);
    if (summary != input.summaries().end()) {
      presentation.tracks.push_back(OfSummary(plan, *summary, input.duration_seconds()));
    } else if (segments != input.segments().end()) {
      presentation.tracks.push_back(ToTrack(plan, *segments));
    } else {
      continue;
    }
    // The pictures and the sound are cut alike.
    presentation.target_segment_seconds = plan.segment_seconds();
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
