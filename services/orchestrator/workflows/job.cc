#include "services/orchestrator/workflows/job.h"

#include "libs/layout/track_kind.h"
#include "services/orchestrator/workflows/policies.h"

namespace vora::workflows {

using namespace workflow;

namespace {

double AudioCost(const media::v1::MediaInfo& media) { return 0.02 * media.duration_seconds(); }

constexpr int kInGroups = 3;  // pipeline_version

}  // namespace

bool Job::in_groups() const { return input.pipeline_version() >= kInGroups; }

v1::Failure FailureOf(const std::string& code, const std::string& message) {
  v1::Failure failure;
  failure.set_code(code);
  failure.set_message(message);
  return failure;
}

v1::Failure Worst(const std::vector<v1::Failure>& failures) {
  v1::Failure worst;
  for (const auto& failure : failures) {
    if (!failure.code().empty() && (worst.code().empty() || worst.code() == "canceled")) worst = failure;
  }
  return worst;
}

double ChunkCost(const media::v1::TrackPlan& track, const media::v1::ChunkPlan& chunk) {
  const double pixels = static_cast<double>(track.width()) * track.height() / (1920.0 * 1080.0);
  const double rate = static_cast<double>(track.frame_rate_num()) / track.frame_rate_den() / 30.0;
  return 0.5 * chunk.segment_count() * track.segment_seconds() * pixels * rate;
}

double PlanCost(const media::v1::MediaInfo& media, const media::v1::Plan& plan) {
  double cost = 0;
  for (const auto& track : plan.tracks()) {
    if (layout::TrackKindOf(track.kind()).in_chunks) {
      for (const auto& chunk : plan.chunks()) cost += ChunkCost(track, chunk);
    } else {
      cost += AudioCost(media);
    }
  }
  return cost;
}

Task<v1::Failure> RecordTrack(WorkflowContext ctx, const Job& job, std::string track, std::string state, v1::Failure reason) {
  v1::RecordTrackInput input;
  input.set_video_id(job.input.video_id());
  input.set_track(track);
  input.set_state(state);
  input.set_failure_code(reason.code());
  input.set_failure(reason.message());
  auto outcome = co_await ctx.Activity("metadata.RecordTrack", track + "/" + state, std::move(input), MetadataOptions());
  co_return outcome.failure;
}

Task<v1::Failure> RecordSegments(WorkflowContext ctx, const Job& job, std::string id, media::v1::TrackSegments segments) {
  v1::RecordSegmentsInput input;
  input.set_video_id(job.input.video_id());
  *input.mutable_segments() = std::move(segments);
  auto outcome = co_await ctx.Activity("metadata.RecordSegments", id + "/recorded", std::move(input), MetadataOptions());
  co_return outcome.failure;
}

bool IsNeeded(const media::v1::Plan& plan, const media::v1::TrackPlan& track) {
  if (!layout::TrackKindOf(track.kind()).needed) return false;
  const auto first =
      std::find_if(plan.tracks().begin(), plan.tracks().end(), [&](const auto& other) { return other.kind() == track.kind(); });
  return first->name() == track.name();
}

Task<v1::Failure> EncodeAudio(WorkflowContext ctx, Job& job, const media::v1::TrackPlan& track) {
  v1::EncodeAudioInput input;
  input.set_video_id(job.input.video_id());
  input.set_source_key(job.input.source_key());
  input.set_object_prefix(job.input.object_prefix());
  *input.mutable_media() = job.media;
  *input.mutable_track() = track;
  input.set_packed(job.in_groups());
  // The sound that is heard unasked before the pictures, the others after the first of them.
  const bool needed = IsNeeded(job.plan, track);
  auto options = Reading(job.input.source_key(), MediaOptions(needed ? kAudioPriority : kOtherSoundPriority, AudioCost(job.media)));
  options.set_run_cost(job.cost);
  options.set_progress_weight(track.segments_total());
  options.set_first_play(needed);
  auto outcome = co_await ctx.Run<v1::EncodeAudioResult>("media.EncodeAudio", track.name(), std::move(input), options);
  if (!outcome.ok) co_return outcome.failure;
  if (job.in_groups()) {
    job.done_ranges.Add(track.name(), 0, track.segments_total());
  } else {
    job.done.Add(outcome.value.segments());
  }
  co_return co_await RecordSegments(ctx, job, track.name(), std::move(*outcome.value.mutable_segments()));
}

Task<v1::Failure> PublishTrack(WorkflowContext ctx, Job& job, const media::v1::TrackPlan& track) {
  v1::PublishTrackInput input;
  input.set_video_id(job.input.video_id());
  input.set_object_prefix(job.input.object_prefix());
  *input.mutable_track() = track;
  if (!job.in_groups()) *input.mutable_segments() = job.done.Of(track.name());
  input.set_duration_seconds(job.media.duration_seconds());
  auto outcome = co_await ctx.Run<v1::PublishResult>("media.PublishTrack", track.name() + "/publish", std::move(input),
                                                     MediaOptions(kPublishPriority, 0));
  if (outcome.ok) job.summaries[track.name()] = std::move(*outcome.value.mutable_summary());
  co_return outcome.failure;
}

Task<v1::Failure> FinishTrack(WorkflowContext all, Job& job, const media::v1::TrackPlan& track, v1::Failure failure) {
  if (failure.code().empty()) failure = co_await PublishTrack(all, job, track);
  if (failure.code().empty()) failure = co_await RecordTrack(all, job, track.name(), "DONE", v1::Failure());
  // A track that was cancelled has not failed; whoever cancelled it tells metadata of the video.
  if (failure.code().empty() || all.cancelled()) co_return failure;
  job.failed[track.name()] = failure;
  (void)co_await RecordTrack(all, job, track.name(), "FAILED", failure);
  if (IsNeeded(job.plan, track)) all.Cancel();
  co_return failure;
}

}  // namespace vora::workflows
