#include <algorithm>

#include "libs/layout/track_kind.h"
#include "libs/workflow/definition/window.h"
#include "services/orchestrator/workflows/chunks.h"
#include "services/orchestrator/workflows/policies.h"

namespace vora::workflows {
namespace {

using namespace workflow;

// Enough for a fleet of 32 workers on one film, each with its next chunk at hand.
constexpr size_t kChunksUnderWay = 64;
constexpr int kItemWaitSeconds = 10;

// Scopes below: `all` is that of the video, `chunks` ends when no rendition is left.

bool InChunks(const media::v1::TrackPlan& track) { return layout::TrackKindOf(track.kind()).in_chunks; }

const media::v1::TrackPlan& TrackOf(const Job& job, const std::string& name) {
  return *std::find_if(job.plan.tracks().begin(), job.plan.tracks().end(), [&](const auto& track) { return track.name() == name; });
}

// When all of it is there, for the first who sees that.
Task<void> FinishIfWhole(WorkflowContext all, Job& job, std::string name) {
  const auto& track = TrackOf(job, name);
  if (job.failed.contains(name) || !job.done_ranges.Has(name, 0, track.segments_total())) co_return;
  if (job.finishing.insert(name).second) (void)co_await FinishTrack(all, job, track, v1::Failure());
}

// The rendition cannot be whole any more. Later chunks do without it, and all end when it was the last.
Task<void> GiveUp(WorkflowContext all, WorkflowContext chunks, Job& job, std::string name, v1::Failure failure) {
  if (failure.code() == "canceled" || job.failed.contains(name)) co_return;
  (void)co_await FinishTrack(all, job, TrackOf(job, name), std::move(failure));
  const bool left = std::any_of(job.plan.tracks().begin(), job.plan.tracks().end(),
                                [&](const auto& track) { return InChunks(track) && !job.failed.contains(track.name()); });
  if (!left) chunks.Cancel();
}

// What a round of a group has ended with.
Task<void> Take(WorkflowContext all, WorkflowContext chunks, Job& job, const media::v1::ChunkPlan& chunk, std::string id,
                std::vector<ItemResult> ended) {
  v1::RecordSegmentsInput record;
  std::vector<std::pair<std::string, v1::Failure>> failed;
  for (auto& [name, result] : ended) {
    auto outcome = ToOutcome<v1::EncodeChunkResult>(std::move(result));
    if (!outcome.ok) {
      failed.emplace_back(name, std::move(outcome.failure));
      continue;
    }
    *record.add_tracks() = std::move(*outcome.value.mutable_segments());
  }
  if (record.tracks_size() > 0) {
    record.set_video_id(job.input.video_id());
    std::vector<std::string> names;
    for (const auto& track : record.tracks()) names.push_back(track.track());
    auto recorded = co_await chunks.Activity("metadata.RecordSegments", std::move(id), std::move(record), MetadataOptions());
    for (auto& name : names) {
      if (recorded.ok) {
        job.done_ranges.Add(name, chunk.first_segment(), chunk.segment_count());
      } else {
        failed.emplace_back(std::move(name), recorded.failure);
      }
    }
  }
  // As soon as it is whole: other renditions may have far to go.
  std::vector<Task<void>> finishing;
  for (const auto& item : ended) finishing.push_back(FinishIfWhole(all, job, item.name));
  co_await WhenAll(std::move(finishing));
  for (auto& [name, failure] : failed) co_await GiveUp(all, chunks, job, std::move(name), std::move(failure));
}

Task<void> EncodeInGroup(WorkflowContext all, WorkflowContext chunks, Job& job, const media::v1::ChunkPlan& chunk) {
  const std::string id = "chunk/" + std::to_string(chunk.index());
  v1::EncodeGroupInput input;
  google::protobuf::RepeatedPtrField<v1::GroupItem> items;
  double cost = 0;
  for (const auto& track : job.plan.tracks()) {
    if (!InChunks(track) || job.failed.contains(track.name())) continue;
    if (job.done_ranges.Has(track.name(), chunk.first_segment(), chunk.segment_count())) continue;
    *input.add_tracks() = track;
    auto* item = items.Add();
    item->set_name(track.name());
    item->set_estimated_cost(ChunkCost(track, chunk));
    cost += item->estimated_cost();
  }
  if (items.empty()) co_return;
  input.set_video_id(job.input.video_id());
  input.set_source_key(job.input.source_key());
  input.set_object_prefix(job.input.object_prefix());
  *input.mutable_media() = job.media;
  *input.mutable_chunk() = chunk;
  auto options = Reading(job.input.source_key(), ChunkOptions(chunk.index(), cost));
  options.set_estimated_cost(0);  // beside that of the items
  options.mutable_items()->Swap(&items);
  options.set_run_cost(job.cost);
  options.set_progress_weight(chunk.segment_count());
  // Viewers wait for the first chunk; of others the renditions are recorded together, unless one takes far longer.
  if (chunk.index() > 0) options.mutable_item_wait()->set_seconds(kItemWaitSeconds);
  const Group group = chunks.Group("media.EncodeGroup", id, std::move(input), std::move(options));
  // Recorded as they end: a rendition that is tried again holds up no other.
  for (int round = 1; !group.done(); ++round) {
    auto ended = co_await group.Next();
    std::string record_id = id + "/recorded";
    if (round > 1) record_id += "/" + std::to_string(round);
    co_await Take(all, chunks, job, chunk, std::move(record_id), std::move(ended));
  }
}

Task<void> MakeRenditions(WorkflowContext all, Job& job) {
  const WorkflowContext chunks = all.NewScope();
  const auto encode = [all, chunks, &job](size_t i) { return EncodeInGroup(all, chunks, job, job.plan.chunks(static_cast<int>(i))); };
  // Named: g++ 12 destroys the captures of a lambda inside a co_await expression twice.
  auto all_chunks = InWindow(static_cast<size_t>(job.plan.chunks_size()), kChunksUnderWay, encode);
  co_await all_chunks;
  if (all.cancelled()) co_return;
  // Those that an earlier run has encoded.
  std::vector<Task<void>> tracks;
  for (const auto& track : job.plan.tracks()) {
    if (InChunks(track)) tracks.push_back(FinishIfWhole(all, job, track.name()));
  }
  co_await WhenAll(std::move(tracks));
}

Task<void> MakeOtherTrack(WorkflowContext all, Job& job, const media::v1::TrackPlan& track) {
  v1::Failure failure;
  if (!job.done_ranges.Has(track.name(), 0, track.segments_total())) failure = co_await EncodeAudio(all.NewScope(), job, track);
  (void)co_await FinishTrack(all, job, track, std::move(failure));
}

}  // namespace

Task<std::vector<v1::Failure>> MakeTracksInGroups(WorkflowContext all, Job& job) {
  std::vector<Task<void>> parts;
  parts.push_back(MakeRenditions(all, job));
  for (const auto& track : job.plan.tracks()) {
    if (!InChunks(track)) parts.push_back(MakeOtherTrack(all, job, track));
  }
  co_await WhenAll(std::move(parts));
  std::vector<v1::Failure> failures;
  for (const auto& track : job.plan.tracks()) {
    const auto failed = job.failed.find(track.name());
    failures.push_back(failed == job.failed.end() ? v1::Failure() : failed->second);
  }
  co_return failures;
}

}  // namespace vora::workflows
