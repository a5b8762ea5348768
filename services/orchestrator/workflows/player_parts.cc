#include "services/orchestrator/workflows/player_parts.h"

#include "services/orchestrator/workflows/policies.h"

namespace vora::workflows {
namespace {

using namespace workflow;

std::string Warning(const std::string& what, const v1::Failure& failure) {
  return what + " could not be made: " + (failure.code() == "canceled" ? "it took too long." : failure.message());
}

}  // namespace

Task<v1::Failure> MakeStoryboard(WorkflowContext video, WorkflowContext part, const v1::ProcessVideoInput& input,
                                 const media::v1::MediaInfo& media) {
  if (input.storyboard_done()) co_return v1::Failure();
  v1::ExtractStoryboardInput extract;
  extract.set_source_key(input.source_key());
  extract.set_object_prefix(input.object_prefix());
  *extract.mutable_media() = media;
  const auto options = MediaOptions(kStoryboardPriority, 1 + 0.01 * media.duration_seconds());
  auto made = co_await part.Run<v1::ExtractStoryboardResult>("media.ExtractStoryboard", "storyboard", extract, options);
  v1::RecordStoryboardInput record;
  record.set_video_id(input.video_id());
  record.set_key(made.value.key());
  if (!made.ok) record.add_warnings(Warning("The pictures of the seek bar", made.failure));
  (void)co_await video.Run<v1::RecordResult>("metadata.RecordStoryboard", "storyboard/recorded", record, MetadataOptions());
  co_return made.failure;
}

Task<v1::Failure> MakeCaptions(WorkflowContext video, WorkflowContext part, const v1::ProcessVideoInput& input,
                               const media::v1::MediaInfo& media, std::vector<media::v1::Caption>& captions) {
  if (input.captions_done()) captions.assign(input.captions().begin(), input.captions().end());
  if (input.captions_done() || media.subtitles_size() == 0) co_return v1::Failure();
  v1::ExtractSubtitlesInput extract;
  extract.set_source_key(input.source_key());
  extract.set_object_prefix(input.object_prefix());
  *extract.mutable_media() = media;
  const auto options = MediaOptions(kCaptionsPriority, 1 + 0.001 * media.duration_seconds());
  auto made = co_await part.Run<v1::ExtractSubtitlesResult>("media.ExtractSubtitles", "captions", extract, options);
  v1::RecordCaptionsInput record;
  record.set_video_id(input.video_id());
  record.set_done(made.ok);
  *record.mutable_captions() = made.value.captions();
  *record.mutable_warnings() = made.value.warnings();
  if (!made.ok) record.add_warnings(Warning("The captions", made.failure));
  captions.assign(made.value.captions().begin(), made.value.captions().end());
  (void)co_await video.Run<v1::RecordResult>("metadata.RecordCaptions", "captions/recorded", record, MetadataOptions());
  co_return made.failure;
}

}  // namespace vora::workflows
