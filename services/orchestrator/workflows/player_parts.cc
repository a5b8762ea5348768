#include "services/orchestrator/workflows/player_parts.h"

#include <algorithm>
#include <set>
#include <string>

#include "libs/layout/track_kind.h"
#include "services/orchestrator/workflows/job.h"
#include "services/orchestrator/workflows/policies.h"

namespace vora::workflows {
namespace {

using namespace workflow;

constexpr char kMp4[] = "mp4";
constexpr double kMp4Cost = 0.01;  // encode-seconds per second of media: it is copied

std::string Warning(const std::string& what, const v1::Failure& failure) {
  return what + " could not be made: " + (failure.code() == "canceled" ? "it took too long." : failure.message());
}

// A part of the video: an activity of the worker makes it, metadata remembers it by its name. Order, names and activities are in the
// histories of open runs, so a row is never changed, and a new one is `since` a new pipeline_version.
struct Part {
  const char* name;   // also the id of the activity
  const char* title;  // in warnings
  int since;
  const char* extract;  // activity of the worker: ExtractPartInput, ExtractPartResult
  double cost;          // encode-seconds per second of media
  const char* record = "metadata.RecordPart";
};
constexpr Part kParts[] = {
    {"storyboard", "The pictures of the seek bar", 2, "media.ExtractStoryboard", 0.01, "metadata.RecordStoryboard"},
};

// Gives why it was not made.
Task<v1::Failure> RecordPart(WorkflowContext video, std::string video_id, std::string activity, std::string name, std::string title,
                             Outcome<v1::ExtractPartResult> made) {
  v1::RecordPartInput record;
  record.set_video_id(video_id);
  record.set_part(name);
  record.set_key(made.value.key());
  if (!made.ok) record.add_warnings(Warning(title, made.failure));
  (void)co_await video.Activity(activity, name + "/recorded", std::move(record), MetadataOptions());
  co_return made.failure;
}

Task<v1::Failure> MakePart(WorkflowContext video, WorkflowContext scope, const v1::ProcessVideoInput& input,
                           const media::v1::MediaInfo& media, const Part& part) {
  v1::ExtractPartInput extract;
  extract.set_video_id(input.video_id());
  extract.set_source_key(input.source_key());
  extract.set_object_prefix(input.object_prefix());
  *extract.mutable_media() = media;
  const auto options = Reading(input.source_key(), MediaOptions(kPartPriority, 1 + part.cost * media.duration_seconds()));
  const std::string name = part.name;
  auto made = co_await scope.Run<v1::ExtractPartResult>(part.extract, name, std::move(extract), options);
  // In the video's scope: `scope` may be cancelled, and that it took too long is to be told all the same.
  auto recorded = RecordPart(video, input.video_id(), part.record, name, part.title, made);
  co_return co_await recorded;
}

// The tracks of the file: the largest rendition and all sounds that there are. Why there can be no file, when one of them failed.
v1::Failure TracksOfMp4(const media::v1::Plan& plan, const std::vector<v1::Failure>& failures, v1::MakeMp4Input& make) {
  std::vector<v1::Failure> failed;
  const media::v1::TrackPlan* largest = nullptr;
  for (const auto& track : plan.tracks()) {
    if (layout::TrackKindOf(track.kind()).is_video) largest = &track;
  }
  for (int i = 0; i < plan.tracks_size(); ++i) {
    const auto& track = plan.tracks(i);
    if (layout::TrackKindOf(track.kind()).is_video && &track != largest) continue;
    const v1::Failure& failure = failures[static_cast<size_t>(i)];
    const bool spare = &track != largest && !IsNeeded(plan, track);
    if (spare && !failure.code().empty()) continue;
    *make.add_tracks() = track;
    failed.push_back(failure);
  }
  return Worst(failed);
}

}  // namespace

std::vector<Task<v1::Failure>> MakeParts(WorkflowContext video, WorkflowContext scope, const v1::ProcessVideoInput& input,
                                         const media::v1::MediaInfo& media) {
  std::set<std::string> done(input.parts_done().begin(), input.parts_done().end());
  if (input.storyboard_done()) done.insert("storyboard");
  std::vector<Task<v1::Failure>> tasks;
  for (const Part& part : kParts) {
    if (input.pipeline_version() >= part.since && !done.contains(part.name)) tasks.push_back(MakePart(video, scope, input, media, part));
  }
  return tasks;
}

Task<v1::Failure> MakeCaptions(WorkflowContext video, WorkflowContext scope, const v1::ProcessVideoInput& input,
                               const media::v1::MediaInfo& media, std::vector<media::v1::Caption>& captions) {
  if (input.captions_done()) captions.assign(input.captions().begin(), input.captions().end());
  if (input.captions_done() || media.subtitles_size() == 0) co_return v1::Failure();
  v1::ExtractSubtitlesInput extract;
  extract.set_source_key(input.source_key());
  extract.set_object_prefix(input.object_prefix());
  *extract.mutable_media() = media;
  const auto options = Reading(input.source_key(), MediaOptions(kCaptionsPriority, 1 + 0.001 * media.duration_seconds()));
  auto made = co_await scope.Run<v1::ExtractSubtitlesResult>("media.ExtractSubtitles", "captions", std::move(extract), options);
  v1::RecordCaptionsInput record;
  record.set_video_id(input.video_id());
  record.set_done(made.ok);
  *record.mutable_captions() = made.value.captions();
  *record.mutable_warnings() = made.value.warnings();
  if (!made.ok) record.add_warnings(Warning("The captions", made.failure));
  captions.assign(made.value.captions().begin(), made.value.captions().end());
  (void)co_await video.Activity("metadata.RecordCaptions", "captions/recorded", std::move(record), MetadataOptions());
  co_return made.failure;
}

Task<v1::Failure> MakeMp4(WorkflowContext video, const v1::ProcessVideoInput& input, const media::v1::MediaInfo& media,
                          const media::v1::Plan& plan, const std::vector<v1::Failure>& failures) {
  const bool done = std::count(input.parts_done().begin(), input.parts_done().end(), kMp4) > 0;
  if (!input.ladder().mp4() || done) co_return v1::Failure();
  v1::MakeMp4Input make;
  make.set_video_id(input.video_id());
  make.set_object_prefix(input.object_prefix());
  make.set_duration_seconds(media.duration_seconds());
  Outcome<v1::ExtractPartResult> made;
  made.failure = TracksOfMp4(plan, failures, make);
  if (made.failure.code().empty()) {
    auto options = MediaOptions(kPublishPriority, kMp4Cost * media.duration_seconds());
    // READY waits for it, and not for ever: as long as one attempt may take.
    *options.mutable_schedule_to_close_timeout() = options.start_to_close_timeout();
    made = co_await video.Run<v1::ExtractPartResult>("media.MakeMp4", kMp4, std::move(make), options);
  }
  auto recorded = RecordPart(video, input.video_id(), "metadata.RecordPart", kMp4, "The mp4 file", std::move(made));
  co_return co_await recorded;
}

}  // namespace vora::workflows
