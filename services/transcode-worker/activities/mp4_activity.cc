#include <algorithm>
#include <string>
#include <vector>

#include "libs/layout/layout.h"
#include "libs/layout/track_kind.h"
#include "libs/media/audio/audio_grid.h"
#include "libs/media/cmaf/mp4_file.h"
#include "libs/workflow/definition/payload.h"
#include "services/transcode-worker/activities/activities.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/head_last_upload.h"
#include "services/transcode-worker/activities/published_segments.h"
#include "services/transcode-worker/activities/role_activity.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {
namespace {

using workflow::ActivityExecution;
using workflow::ActivityOutcome;

constexpr int64_t kBeginning = 64 << 10;  // of a segment: all that stands before its samples, of which it has some hundreds
constexpr size_t kReadBytes = 256 << 10;

struct SourceTrack {
  std::string name;
  media::Mp4Track file;
  std::vector<manifest::Segment> segments;
};

class Mp4 {
 public:
  Mp4(const WorkerContext& context, ActivityExecution& execution, const workflow::v1::MakeMp4Input& input)
      : context_(context), execution_(execution), input_(input) {}

  // The bytes of the object at `key`.
  StatusOr<int64_t> Make(const std::string& key) {
    VORA_RETURN_IF_ERROR(OpenTracks());
    UploadedObject object{key, "video/mp4", head_bytes_, head_bytes_ + segment_bytes_};
    HeadLastUpload upload(context_.stores().processed, context_.options().store_patience, WriterOf(execution_), std::move(object),
                          [this](const std::string& id) { Remember(id); });
    auto made = Write(upload);
    if (!made.ok()) upload.Abandon();
    return made;
  }

 private:
  std::function<bool()> stopped() const {
    return [this] { return execution_.stopping(); };
  }

  void Remember(const std::string& multipart_id) {
    workflow::v1::MakeMp4Checkpoint checkpoint;
    checkpoint.set_multipart_id(multipart_id);
    checkpoint_ = workflow::ToPayload(checkpoint);
    execution_.Heartbeat(0, checkpoint_);
  }

  Status OpenTracks() {
    head_bytes_ = media::kMp4HeadBytes;
    for (const auto& plan : input_.tracks()) {
      VORA_ASSIGN_OR_RETURN(const std::string init,
                            context_.publisher().Get(layout::InTrack(input_.object_prefix(), plan.name(), layout::kInit), stopped()));
      VORA_ASSIGN_OR_RETURN(media::Mp4Track file, media::Mp4Track::OfInit(init, {plan.language(), plan.label()}));
      VORA_ASSIGN_OR_RETURN(auto segments, ListSegments(context_, input_.object_prefix(), plan, input_.duration_seconds(), stopped()));
      const bool video = layout::TrackKindOf(plan.kind()).is_video;
      const int64_t samples = video ? plan.frames_total() : media::AudioGrid(plan, input_.duration_seconds()).total_frames();
      head_bytes_ += file.HeadBytes(samples, static_cast<int64_t>(segments.size()));
      for (const auto& segment : segments) segment_bytes_ += segment.bytes;
      tracks_.push_back({plan.name(), std::move(file), std::move(segments)});
    }
    return {};
  }

  // Segment by segment, those of one time side by side, so that a player finds them where it reads.
  StatusOr<int64_t> Write(HeadLastUpload& upload) {
    size_t longest = 0;
    for (const auto& track : tracks_) longest = std::max(longest, track.segments.size());
    for (size_t i = 0; i < longest; ++i) {
      for (auto& track : tracks_) {
        if (i < track.segments.size()) VORA_RETURN_IF_ERROR(Copy(track, track.segments[i], upload));
      }
      execution_.Heartbeat(static_cast<double>(i + 1) / static_cast<double>(longest), checkpoint_);
    }
    std::vector<media::Mp4Track> files;
    for (auto& track : tracks_) files.push_back(std::move(track.file));
    VORA_ASSIGN_OR_RETURN(const std::string head, media::Mp4Head(files, head_bytes_, data_bytes_));
    if (execution_.stopping()) return Cancelled("asked to stop");
    return upload.Finish(head);
  }

  Status Copy(SourceTrack& track, const manifest::Segment& segment, HeadLastUpload& upload) {
    const std::string key = layout::InTrack(input_.object_prefix(), track.name, layout::Segment(segment.index));
    std::string beginning;
    VORA_RETURN_IF_ERROR(Read(key, 0, std::min(kBeginning, segment.bytes), [&](std::string_view piece) -> Status {
      beginning += piece;
      return {};
    }));
    const auto samples_at = track.file.Add(beginning, segment.bytes, data_bytes_);
    if (!samples_at.ok()) return Annotate(samples_at.status(), key);
    data_bytes_ += segment.bytes - *samples_at;
    const auto held = static_cast<int64_t>(beginning.size());
    if (*samples_at > held) return Internal(key + " has a head of more than " + std::to_string(kBeginning) + " bytes");
    VORA_RETURN_IF_ERROR(upload.Append(std::string_view(beginning).substr(static_cast<size_t>(*samples_at))));
    return Read(key, held, segment.bytes - held, [&](std::string_view piece) { return upload.Append(piece); });
  }

  // Goes on where it was when the store fails midway; what `take` answers ends it.
  Status Read(const std::string& key, int64_t offset, int64_t length, const std::function<Status(std::string_view)>& take) {
    Status taken;
    VORA_RETURN_IF_ERROR(WaitOutFaults(context_.options().store_patience, stopped(), [&]() -> Status {
      if (length == 0) return {};
      VORA_ASSIGN_OR_RETURN(const auto reader, context_.stores().processed.Open(key, offset, length));
      std::vector<char> buffer(kReadBytes);
      while (length > 0 && taken.ok()) {
        VORA_ASSIGN_OR_RETURN(const size_t got, reader->Read(buffer.data(), buffer.size()));
        if (got == 0) return FailedPrecondition(key + " is shorter than it was");
        if (execution_.stopping()) return Cancelled("asked to stop");
        offset += static_cast<int64_t>(got);
        length -= static_cast<int64_t>(got);
        taken = take({buffer.data(), got});
      }
      return {};
    }));
    return taken;
  }

  const WorkerContext& context_;
  ActivityExecution& execution_;
  const workflow::v1::MakeMp4Input& input_;
  std::vector<SourceTrack> tracks_;
  int64_t head_bytes_ = 0;
  int64_t segment_bytes_ = 0;
  int64_t data_bytes_ = 0;  // of samples, so far
  std::string checkpoint_;
};

// What an attempt that died has left behind.
void AbandonEarlier(const WorkerContext& context, const ActivityExecution& execution, const std::string& key) {
  workflow::v1::MakeMp4Checkpoint earlier;
  const std::string& checkpoint = execution.task().checkpoint();
  if (checkpoint.empty() || !workflow::FromPayload(checkpoint, earlier).ok() || earlier.multipart_id().empty()) return;
  (void)context.stores().processed.AbortMultipart(key, earlier.multipart_id());
}

}  // namespace

ActivityOutcome MakeMp4(const WorkerContext& context, ActivityExecution& execution) {
  workflow::v1::MakeMp4Input input;
  if (auto ended = ReadInput(execution, &input)) return *std::move(ended);
  const std::string key = layout::InPrefix(input.object_prefix(), layout::kDownload);
  workflow::v1::ExtractPartResult result;
  result.set_key(key);
  result.set_objects(1);
  AbandonEarlier(context, execution, key);
  // Of an attempt whose answer was lost: it is whole.
  StatusOr<int64_t> bytes = context.publisher().SizeOf(key, [&] { return execution.stopping(); });
  if (bytes.status().code() == StatusCode::kNotFound) bytes = Mp4(context, execution, input).Make(key);
  if (!bytes.ok()) return ToOutcome(FailureOf(bytes.status()));
  result.set_bytes(*bytes);
  return ActivityOutcome::Ok(workflow::ToPayload(result));
}

}  // namespace vora::transcode
