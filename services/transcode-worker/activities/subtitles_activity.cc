#include "libs/layout/layout.h"
#include "libs/media/captions/subtitles.h"

#include "libs/manifest/manifest.h"
#include "libs/workflow/definition/payload.h"
#include "services/transcode-worker/activities/activities.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/role_activity.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {
namespace {

constexpr int kMaxWarnings = 3 * media::kMaxSubtitleTracks;

}  // namespace

workflow::ActivityOutcome ExtractSubtitles(const WorkerContext& context, workflow::ActivityExecution& execution) {
  workflow::v1::ExtractSubtitlesInput input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  const std::vector<media::v1::Caption> planned = media::PlanCaptions(input.media());
  const std::string playlist = manifest::HlsCaption(input.media().duration_seconds());
  const Writer writer = WriterOf(execution);
  workflow::v1::ExtractSubtitlesResult result;
  int next = 0;  // tracks come in order, each at most once
  const auto publish = [&](media::EncodedSegment track) -> Status {
    const bool expected = track.index >= next && track.index < static_cast<int>(planned.size());
    if (!expected || track.bytes.size() > media::kMaxSubtitleBytes) return InvalidArgument("a track that was not asked for");
    next = track.index + 1;
    media::v1::Caption caption = planned[static_cast<size_t>(track.index)];
    VORA_ASSIGN_OR_RETURN(const int64_t bytes,
                          context.publisher().PutOnce(layout::InTrack(input.object_prefix(), caption.track(), layout::kCaptionSegment),
                                                      track.bytes, "text/vtt", writer));
    VORA_RETURN_IF_ERROR(context.publisher()
                             .PutOnce(layout::InTrack(input.object_prefix(), caption.track(), layout::kMediaPlaylist), playlist,
                                      "application/vnd.apple.mpegurl", writer)
                             .status());
    caption.set_bytes(bytes);
    *result.add_captions() = std::move(caption);
    execution.Heartbeat(static_cast<double>(next) / static_cast<double>(planned.size()), "");
    return {};
  };
  const ChildOutcome outcome = RunRole(context, execution, "subtitles", "reader of subtitles", input, publish);
  if (!outcome.result.has_value()) return ToOutcome(outcome.failure);
  workflow::v1::ExtractSubtitlesResult said;
  if (!said.ParseFromString(*outcome.result) || said.warnings_size() > kMaxWarnings) {
    return ToOutcome(FailureOf(Internal("the reader of subtitles gave a malformed result")));
  }
  *result.mutable_warnings() = said.warnings();
  return workflow::ActivityOutcome::Ok(workflow::ToPayload(result));
}

}  // namespace vora::transcode
