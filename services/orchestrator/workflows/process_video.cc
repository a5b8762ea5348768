#include <algorithm>

#include "libs/core/error.h"
#include "libs/ladder/ladder.h"
#include "libs/layout/track_kind.h"
#include "services/orchestrator/workflows/chunks.h"
#include "services/orchestrator/workflows/import_file.h"
#include "services/orchestrator/workflows/player_parts.h"
#include "services/orchestrator/workflows/policies.h"
#include "services/orchestrator/workflows/workflows.h"

namespace vora::workflows {
namespace {

using namespace workflow;

constexpr int kPosterWidth = 1280;
constexpr int kWithPlayerParts = 2;  // pipeline_version
// How long a finished video waits for what players show beside it.
constexpr std::chrono::minutes kPlayerPartsGrace{10};

Task<v1::Failure> RecordVideo(WorkflowContext ctx, std::string video_id, std::string state, v1::Failure reason) {
  v1::RecordVideoInput input;
  input.set_video_id(video_id);
  input.set_state(state);
  input.set_failure_code(reason.code());
  input.set_failure(reason.message());
  auto outcome = co_await ctx.Activity("metadata.RecordVideo", "video/" + state, std::move(input), MetadataOptions());
  co_return outcome.failure;
}

// Undoes PROCESSING, which the video is in when the run begins.
Task<v1::Failure> RecordEnd(WorkflowContext ctx, WorkflowResult why, std::string video_id) {
  const bool canceled = why.state == WorkflowResult::State::kCanceled;
  return RecordVideo(ctx, std::move(video_id), canceled ? "CANCELLED" : "FAILED", std::move(why.failure));
}

// A missing poster is no reason to fail a video.
Task<v1::Failure> MakePoster(WorkflowContext ctx, const Job& job) {
  if (job.input.poster_done()) co_return v1::Failure();
  v1::ExtractPosterInput input;
  input.set_source_key(job.input.source_key());
  input.set_object_prefix(job.input.object_prefix());
  *input.mutable_media() = job.media;
  // Not the very first frame, which is often black, and no more than a tenth of a short video.
  input.set_at_seconds(std::min(10.0, job.media.duration_seconds() / 10));
  input.set_max_width(kPosterWidth);
  auto poster = co_await ctx.Run<v1::ExtractPosterResult>("media.ExtractPoster", "poster", std::move(input),
                                                          Reading(job.input.source_key(), MediaOptions(kPosterPriority, 1)));
  if (!poster.ok) co_return v1::Failure();
  v1::RecordPosterInput record;
  record.set_video_id(job.input.video_id());
  record.set_key(poster.value.key());
  (void)co_await ctx.Activity("metadata.RecordPoster", "poster/recorded", std::move(record), MetadataOptions());
  co_return v1::Failure();
}

// Runs from before groups plan here, anew with each replay, so the rules for what they may have met must stay.
Task<v1::Failure> PlanHere(WorkflowContext ctx, Job& job) {
  if (job.input.has_media()) {
    job.media = job.input.media();
  } else {
    v1::ProbeInput input;
    input.set_source_key(job.input.source_key());
    auto options = Reading(job.input.source_key(), MediaOptions(kProbePriority, 1));
    options.set_first_play(true);
    auto probed = co_await ctx.Run<media::v1::MediaInfo>("media.Probe", "probe", std::move(input), options);
    if (!probed.ok) co_return probed.failure;
    job.media = std::move(probed.value);
  }
  auto plan = ladder::MakePlan(job.media, job.input.ladder(), ladder::AudioTracks::kFirst);
  if (!plan.ok()) {
    // Unplayable is the source's fault and keeps its reason; everything else is a ladder that no video fits.
    const bool unplayable = plan.status().code() == StatusCode::kFailedPrecondition;
    co_return FailureOf(unplayable ? DetailOf(plan.status()).reason : "ladder.invalid", Message(plan.status()));
  }
  job.plan = std::move(plan).value();
  co_return v1::Failure();
}

// The plan is in history.
Task<v1::Failure> PlanOnce(WorkflowContext ctx, Job& job) {
  v1::PlanInput input;
  input.set_source_key(job.input.source_key());
  *input.mutable_ladder() = job.input.ladder();
  if (job.input.has_media()) *input.mutable_media() = job.input.media();
  auto options = Reading(job.input.source_key(), MediaOptions(kProbePriority, 1));
  options.set_first_play(true);
  auto planned = co_await ctx.Run<v1::PlanResult>("media.Plan", "probe", std::move(input), options);
  if (!planned.ok) co_return planned.failure;
  job.media = std::move(*planned.value.mutable_media());
  job.plan = std::move(*planned.value.mutable_plan());
  co_return v1::Failure();
}

Task<v1::Failure> ProbeAndPlan(WorkflowContext ctx, Job& job) {
  auto planned = job.in_groups() ? PlanOnce(ctx, job) : PlanHere(ctx, job);
  const v1::Failure failure = co_await planned;
  if (!failure.code().empty()) co_return failure;
  job.cost = PlanCost(job.media, job.plan);
  v1::RecordPlanInput record;
  record.set_video_id(job.input.video_id());
  *record.mutable_media() = job.media;
  *record.mutable_plan() = job.plan;
  auto recorded = co_await ctx.Activity("metadata.RecordPlan", "plan/recorded", std::move(record), MetadataOptions());
  co_return recorded.failure;
}

Task<v1::Failure> PublishMasters(WorkflowContext ctx, Job& job, const std::vector<v1::Failure>& tracks) {
  v1::PublishMastersInput input;
  input.set_video_id(job.input.video_id());
  input.set_object_prefix(job.input.object_prefix());
  input.set_duration_seconds(job.media.duration_seconds());
  for (int i = 0; i < job.plan.tracks_size(); ++i) {
    // A rendition that failed is left out; the video is whole without it.
    if (!tracks[static_cast<size_t>(i)].code().empty()) continue;
    const std::string& name = job.plan.tracks(i).name();
    *input.add_tracks() = job.plan.tracks(i);
    if (job.in_groups()) {
      *input.add_summaries() = job.summaries[name];
    } else {
      *input.add_segments() = job.done.Of(name);
    }
  }
  for (const auto& caption : job.captions) *input.add_captions() = caption;
  auto outcome = co_await ctx.Activity("media.PublishMasters", "masters", std::move(input), MediaOptions(kPublishPriority, 0));
  co_return outcome.failure;
}

// Why the video cannot be made of these tracks; an empty code when it can.
v1::Failure VideoFailure(const Job& job, const std::vector<v1::Failure>& tracks) {
  std::vector<v1::Failure> needed, video;
  for (int i = 0; i < job.plan.tracks_size(); ++i) {
    const layout::TrackKind& kind = layout::TrackKindOf(job.plan.tracks(i).kind());
    if (IsNeeded(job.plan, job.plan.tracks(i))) needed.push_back(tracks[static_cast<size_t>(i)]);
    if (kind.is_video) video.push_back(tracks[static_cast<size_t>(i)]);
  }
  if (const v1::Failure failure = Worst(needed); !failure.code().empty()) return failure;
  const bool all_failed = std::all_of(video.begin(), video.end(), [](const v1::Failure& f) { return !f.code().empty(); });
  return all_failed ? Worst(video) : v1::Failure();
}

// The tracks and the poster; gives how each track ended.
Task<std::vector<v1::Failure>> MakeTracks(WorkflowContext ctx, Job& job) {
  auto tracks = job.in_groups() ? MakeTracksInGroups(ctx, job) : MakeTracksAlone(ctx, job);
  auto poster = MakePoster(ctx, job);
  tracks.Start();
  poster.Start();
  auto failures = co_await tracks;
  (void)co_await poster;
  co_return failures;
}

Task<v1::Failure> MakePlayerParts(WorkflowContext ctx, WorkflowContext scope, WorkflowContext grace, Job& job) {
  std::vector<Task<v1::Failure>> tasks;
  tasks.push_back(MakeCaptions(ctx, scope, job.input, job.media, job.captions));
  for (auto& part : MakeParts(ctx, scope, job.input, job.media)) tasks.push_back(std::move(part));
  (void)co_await WhenAll(std::move(tasks));
  job.player_parts_over = true;
  // Ends the wait for the parts, should the tracks be done already.
  grace.Cancel();
  co_return v1::Failure();
}

// A video that is finished waits a while for the player's parts, one that failed does not.
Task<v1::Failure> MakeTracksThenGrace(WorkflowContext ctx, WorkflowContext part, WorkflowContext grace, Job& job,
                                      std::vector<v1::Failure>& tracks) {
  tracks = co_await MakeTracks(ctx, job);
  if (job.player_parts_over) co_return v1::Failure();
  bool give_up = !VideoFailure(job, tracks).code().empty();
  // True when the time is over, false when it was cancelled since the parts are done.
  if (!give_up) give_up = co_await grace.Timer(kPlayerPartsGrace, "player_parts/grace");
  if (give_up) part.Cancel();
  co_return v1::Failure();
}

Task<std::vector<v1::Failure>> MakeAll(WorkflowContext ctx, Job& job) {
  if (job.input.pipeline_version() < kWithPlayerParts) co_return co_await MakeTracks(ctx, job);
  const WorkflowContext part = ctx.NewScope(), grace = ctx.NewScope();
  // The references into this frame hold: both tasks have ended before it does.
  std::vector<v1::Failure> tracks;
  std::vector<Task<v1::Failure>> both;
  both.push_back(MakeTracksThenGrace(ctx, part, grace, job, tracks));
  both.push_back(MakePlayerParts(ctx, part, grace, job));
  (void)co_await WhenAll(std::move(both));
  co_return tracks;
}

// All work of the run inside `ctx`; gives the failed tracks.
Task<v1::Failure> Make(WorkflowContext ctx, Job& job, std::vector<std::string>& failed_tracks) {
  v1::Failure failure;
  if (job.input.has_import()) failure = co_await ImportFile(ctx, job.input);
  if (!failure.code().empty()) co_return failure;
  failure = co_await ProbeAndPlan(ctx, job);
  if (!failure.code().empty()) co_return failure;
  const std::vector<v1::Failure> failures = co_await MakeAll(ctx, job);
  for (size_t i = 0; i < failures.size(); ++i) {
    if (!failures[i].code().empty()) failed_tracks.push_back(job.plan.tracks(static_cast<int>(i)).name());
  }
  failure = VideoFailure(job, failures);
  if (!failure.code().empty()) co_return failure;
  failure = co_await PublishMasters(ctx, job, failures);
  if (!failure.code().empty()) co_return failure;
  // Without the file the video is whole all the same.
  auto mp4 = MakeMp4(ctx, job.input, job.media, job.plan, failures);
  (void)co_await mp4;
  co_return v1::Failure();
}

}  // namespace

Task<WorkflowResult> ProcessVideo(WorkflowContext ctx, v1::ProcessVideoInput input) {
  ctx.Compensate("video/PROCESSING", &RecordEnd, input.video_id());
  Job job(std::move(input));
  std::vector<std::string> failed_tracks;
  // Inner failures cancel this scope; `ctx` itself is cancelled by a request only.
  v1::Failure failure = co_await Make(ctx.NewScope(), job, failed_tracks);
  if (failure.code().empty()) failure = co_await RecordVideo(ctx, job.input.video_id(), "READY", v1::Failure());
  if (!failure.code().empty()) co_return ctx.cancelled() ? WorkflowResult::Canceled() : WorkflowResult::Failed(std::move(failure));
  v1::ProcessVideoResult result;
  result.set_state("READY");
  for (auto& track : failed_tracks) result.add_failed_tracks(std::move(track));
  co_return WorkflowResult::Completed(ToPayload(result));
}

}  // namespace vora::workflows
