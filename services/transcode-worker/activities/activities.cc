#include "services/transcode-worker/activities/activities.h"

#include "libs/ladder/ladder.h"
#include "libs/layout/layout.h"
#include "libs/layout/segment_list.h"
#include "libs/workflow/definition/payload.h"
#include "services/transcode-worker/activities/encode_group.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/role_activity.h"
#include "services/transcode-worker/metrics.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {
namespace {

using workflow::ActivityExecution;
using workflow::ActivityOutcome;
using workflow::ActivityWorker;

ActivityOutcome FromStatus(const Status& status) { return ToOutcome(FailureOf(status)); }

// Looks into the source; when that fails, the outcome that ends the activity.
std::optional<ActivityOutcome> Probe(const WorkerContext& context, const ActivityExecution& execution,
                                     const workflow::v1::ProbeInput& input, media::v1::MediaInfo* info) {
  const ChildOutcome outcome = RunRole(context, execution, "probe", "probe", input);
  if (!outcome.result.has_value()) return ToOutcome(outcome.failure);
  if (!info->ParseFromString(*outcome.result)) return FromStatus(Internal("the probe gave a malformed result"));
  return std::nullopt;
}

using Activity = ActivityOutcome (*)(const WorkerContext&, ActivityExecution&);

}  // namespace

ActivityOutcome ProbeSource(const WorkerContext& context, ActivityExecution& execution) {
  workflow::v1::ProbeInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  media::v1::MediaInfo info;
  if (auto ended = Probe(context, execution, input, &info)) return *std::move(ended);
  return ActivityOutcome::Ok(workflow::ToPayload(info));
}

ActivityOutcome PlanVideo(const WorkerContext& context, ActivityExecution& execution) {
  workflow::v1::PlanInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  workflow::v1::PlanResult result;
  *result.mutable_media() = input.media();
  if (!input.has_media()) {
    workflow::v1::ProbeInput probe;
    probe.set_source_key(input.source_key());
    if (auto ended = Probe(context, execution, probe, result.mutable_media())) return *std::move(ended);
  }
  auto plan = ladder::MakePlan(result.media(), input.ladder());
  // Unplayable is the source's fault and has its reason; everything else is a ladder that no video fits.
  if (plan.status().code() == StatusCode::kInvalidArgument)
    return ActivityOutcome::Failed("ladder.invalid", vora::Message(plan.status()), true);
  if (!plan.ok()) return FromStatus(plan.status());
  *result.mutable_plan() = *std::move(plan);
  return ActivityOutcome::Ok(workflow::ToPayload(result));
}

ActivityOutcome EncodeAudio(const WorkerContext& context, ActivityExecution& execution) {
  workflow::v1::EncodeAudioInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  workflow::v1::EncodeAudioResult result;
  auto* segments = result.mutable_segments();
  segments->set_track(input.track().name());
  const Writer writer = WriterOf(execution);
  const auto publish = [&](media::EncodedSegment segment) -> Status {
    // The init segment first: whoever finds a segment finds what it is decoded with.
    if (segments->segments_size() == 0) {
      VORA_RETURN_IF_ERROR(context.publisher().PutSame(layout::InTrack(input.object_prefix(), input.track().name(), layout::kInit),
                                                       segment.init, "audio/mp4", writer));
    }
    VORA_ASSIGN_OR_RETURN(const int64_t bytes, context.publisher().PutOnce(layout::InTrack(input.object_prefix(), input.track().name(),
                                                                                           layout::Segment(segment.index)),
                                                                           segment.bytes, "audio/mp4", writer));
    segments->set_codecs(segment.codecs);
    auto* info = segments->add_segments();
    info->set_index(segment.index);
    info->set_duration(segment.duration);
    info->set_bytes(bytes);
    kSegments.In(context.metrics()).Increment();
    // Audio is made in one pass, so a retry begins anew: there is nothing to continue from.
    execution.Heartbeat(static_cast<double>(segment.index + 1) / std::max(1, input.track().segments_total()), "");
    return {};
  };
  const ChildOutcome outcome = RunRole(context, execution, "audio", "encoder of " + input.track().name(), input, publish);
  if (!outcome.result.has_value()) return ToOutcome(outcome.failure);
  if (input.packed()) *segments = layout::Pack(std::move(*segments));
  return ActivityOutcome::Ok(workflow::ToPayload(result));
}

ActivityOutcome ExtractPoster(const WorkerContext& context, ActivityExecution& execution) {
  workflow::v1::ExtractPosterInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  const ChildOutcome outcome = RunRole(context, execution, "poster", "poster", input);
  if (!outcome.result.has_value()) return ToOutcome(outcome.failure);
  workflow::v1::ExtractPosterResult result;
  result.set_key(layout::InPrefix(input.object_prefix(), layout::kPoster));
  const StatusOr<int64_t> bytes = context.publisher().PutOnce(result.key(), *outcome.result, "image/jpeg", WriterOf(execution));
  if (!bytes.ok()) return FromStatus(bytes.status());
  result.set_bytes(*bytes);
  return ActivityOutcome::Ok(workflow::ToPayload(result));
}

ActivityOutcome DeleteObjects(const WorkerContext& context, ActivityExecution& execution, storage::ObjectStore::Depth depth) {
  workflow::v1::DeletePrefixInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  workflow::v1::DeletePrefixResult result;
  const Status status = WaitOutFaults(
      context.options().store_patience, [&] { return execution.stopping(); },
      [&]() -> Status {
        VORA_ASSIGN_OR_RETURN(const int64_t objects, context.stores().Of(input.prefix()).DeletePrefix(input.prefix(), depth));
        result.set_objects(objects);
        return {};
      });
  if (!status.ok()) return FromStatus(status);
  return ActivityOutcome::Ok(workflow::ToPayload(result));
}

ActivityOutcome DeletePrefix(const WorkerContext& context, ActivityExecution& execution) {
  return DeleteObjects(context, execution, storage::ObjectStore::Depth::kAll);
}

ActivityOutcome DeleteFolder(const WorkerContext& context, ActivityExecution& execution) {
  return DeleteObjects(context, execution, storage::ObjectStore::Depth::kFlat);
}

void RegisterActivities(const WorkerContext& context, ActivityWorker& worker) {
  const std::pair<const char*, Activity> activities[] = {
      {"media.Probe", &ProbeSource},
      {"media.Plan", &PlanVideo},
      {"media.EncodeAudio", &EncodeAudio},
      {"media.ExtractPoster", &ExtractPoster},
      {"media.ExtractSubtitles", &ExtractSubtitles},
      {"media.PublishTrack", &PublishTrack},
      {"media.PublishMasters", &PublishMasters},
      {"media.MakeMp4", &MakeMp4},
      {"storage.DeletePrefix", &DeletePrefix},
      {"storage.DeleteFolder", &DeleteFolder},
  };
  for (const auto& [type, activity] : activities) {
    const Activity run = activity;
    worker.Handle(type, [&context, run](ActivityExecution& execution) { return run(context, execution); });
  }
  for (const ChildRole& role : ChildRoles()) {
    if (role.part.activity == nullptr) continue;
    worker.Handle(role.part.activity, [&context, &role](ActivityExecution& execution) { return ExtractPart(context, execution, role); });
  }
  // Runs from before groups schedule each rendition alone.
  for (const char* type : {"media.EncodeGroup", "media.EncodeChunk"}) {
    worker.HandleGroup(
        type, [&context](std::vector<std::shared_ptr<ActivityExecution>> executions) { RunEncodeGroup(context, std::move(executions)); });
  }
}

}  // namespace vora::transcode
