#include "libs/layout/track_kind.h"
#include "services/orchestrator/workflows/chunks.h"
#include "services/orchestrator/workflows/policies.h"

namespace vora::workflows {
namespace {

using namespace workflow;

Task<v1::Failure> EncodeChunk(WorkflowContext ctx, Job& job, const media::v1::TrackPlan& track, const media::v1::ChunkPlan& chunk) {
  const std::string id = track.name() + "/chunk/" + std::to_string(chunk.index());
  v1::EncodeChunkInput input;
  input.set_video_id(job.input.video_id());
  input.set_source_key(job.input.source_key());
  input.set_object_prefix(job.input.object_prefix());
  *input.mutable_media() = job.media;
  *input.mutable_track() = track;
  *input.mutable_chunk() = chunk;
  auto options = ChunkOptions(chunk.index(), ChunkCost(track, chunk));
  options.set_run_cost(job.cost);
  options.set_progress_weight(chunk.segment_count());
  auto outcome = co_await ctx.Run<v1::EncodeChunkResult>("media.EncodeChunk", id, std::move(input), std::move(options));
  if (!outcome.ok) {
    ctx.Cancel();  // the track cannot be whole any more: its other chunks are not worth encoding
    co_return outcome.failure;
  }
  job.done.Add(outcome.value.segments());
  co_return co_await RecordSegments(ctx, job, id, std::move(*outcome.value.mutable_segments()));
}

Task<v1::Failure> EncodeTrack(WorkflowContext ctx, Job& job, const media::v1::TrackPlan& track) {
  if (!layout::TrackKindOf(track.kind()).in_chunks) {
    if (job.done.Has(track.name(), 0, track.segments_total())) co_return v1::Failure();
    co_return co_await EncodeAudio(ctx, job, track);
  }
  std::vector<Task<v1::Failure>> chunks;
  for (const auto& chunk : job.plan.chunks()) {
    if (job.done.Has(track.name(), chunk.first_segment(), chunk.segment_count())) continue;
    chunks.push_back(EncodeChunk(ctx, job, track, chunk));
  }
  const auto failures = co_await WhenAll(std::move(chunks));
  co_return Worst(failures);
}

Task<v1::Failure> MakeTrackAlone(WorkflowContext all, Job& job, const media::v1::TrackPlan& track) {
  // A scope of its own: a chunk that fails ends the other chunks of this track, and no other track.
  v1::Failure failure = co_await EncodeTrack(all.NewScope(), job, track);
  co_return co_await FinishTrack(all, job, track, std::move(failure));
}

}  // namespace

Task<std::vector<v1::Failure>> MakeTracksAlone(WorkflowContext all, Job& job) {
  std::vector<Task<v1::Failure>> tracks;
  for (const auto& track : job.plan.tracks()) tracks.push_back(MakeTrackAlone(all, job, track));
  return WhenAll(std::move(tracks));
}

}  // namespace vora::workflows
