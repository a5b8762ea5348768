#include "services/transcode-worker/child/child_roles.h"

#include <algorithm>
#include <ctime>
#include <memory>
#include <thread>

#include "libs/layout/layout.h"
#include "libs/media/audio/audio_encoder.h"
#include "libs/media/captions/subtitles.h"
#include "libs/media/pictures/poster.h"
#include "libs/media/pictures/storyboard.h"
#include "libs/media/probe/probe.h"
#include "libs/media/video/grid_decoder.h"
#include "libs/media/video/segment_encoder.h"
#include "services/transcode-worker/child/sandbox_trial.h"
#include "services/transcode-worker/pipe/frame_ring.h"
#include "services/transcode-worker/pipe/message.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {
namespace {

template <typename T>
StatusOr<T> Parse(const std::vector<std::string>& jobs, size_t index) {
  T message;
  if (index >= jobs.size() || !message.ParseFromString(jobs[index])) return InvalidArgument("malformed job");
  return message;
}

Status SendObject(const PartObject& object) { return SendMessage(kChildSocket, MessageType::kObject, PackObject(object)); }

Status SendSegment(media::EncodedSegment segment) { return SendMessage(kChildSocket, MessageType::kSegment, PackSegment(segment)); }

class RingSink : public media::FrameSink {
 public:
  explicit RingSink(std::vector<std::unique_ptr<FrameRing>> rings) : rings_(std::move(rings)) {}
  void Start(const media::VideoColor& color) override {
    for (auto& ring : rings_) ring->SetColor(color);
  }
  uint8_t* Acquire(size_t output) override { return rings_[output]->Acquire(); }
  void Commit(size_t output) override { rings_[output]->Commit(); }
  // As long as one rendition takes frames, decoding is of use.
  bool Stopped() override {
    for (auto& ring : rings_) {
      if (!ring->closed()) return false;
    }
    return true;
  }

 private:
  std::vector<std::unique_ptr<FrameRing>> rings_;
};

class RingFeed : public media::FrameFeed {
 public:
  explicit RingFeed(FrameRing& ring) : ring_(ring) {}
  const uint8_t* Next() override {
    if (first_ != nullptr) return std::exchange(first_, nullptr);
    return ring_.Take();
  }
  void Release() override { ring_.Release(); }
  // Waits for the first frame: only then is the colour known.
  bool WaitForFirst() {
    first_ = ring_.Take();
    return first_ != nullptr;
  }

 private:
  FrameRing& ring_;
  const uint8_t* first_ = nullptr;
};

double CpuSeconds() {
  timespec now = {};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

// Result: MediaInfo.
StatusOr<std::string> RunProbe(media::ByteSource& source, const std::vector<std::string>& /*jobs*/) {
  VORA_ASSIGN_OR_RETURN(const media::v1::MediaInfo info, media::Probe(source));
  return info.SerializeAsString();
}

// jobs: EncodeChunkInput per rendition, with the shared frames of rendition i at descriptor 4+i. Result: seconds as text.
StatusOr<std::string> RunDecode(media::ByteSource& source, const std::vector<std::string>& jobs) {
  std::vector<media::GridOutput> outputs;
  std::vector<std::unique_ptr<FrameRing>> rings;
  media::v1::VideoStream video;
  for (size_t i = 0; i < jobs.size(); ++i) {
    VORA_ASSIGN_OR_RETURN(const auto input, Parse<workflow::v1::EncodeChunkInput>(jobs, i));
    video = input.media().video();
    const auto& plan = input.track();
    const media::SegmentEncoder grid(plan, {});
    outputs.push_back({plan.width(), plan.height(), grid.FirstFrame(input.chunk().first_segment()),
                       grid.EndFrame(input.chunk().first_segment() + input.chunk().segment_count() - 1)});
    VORA_ASSIGN_OR_RETURN(auto ring,
                          FrameRing::Map(kChildFirstShared + static_cast<int>(i), media::FrameLayout(plan.width(), plan.height())));
    rings.push_back(std::move(ring));
  }
  RingSink sink(std::move(rings));
  media::GridDecodeOptions options;
  options.threads = static_cast<int>(std::min(4U, std::max(1U, std::thread::hardware_concurrency())));
  VORA_ASSIGN_OR_RETURN(const media::GridDecodeStats stats, media::DecodeToGrid(source, video, outputs, sink, options));
  return std::to_string(stats.decode_seconds);
}

// jobs[0]: EncodeChunkInput; frames at descriptor 4. Sends the segments. Result: CPU seconds as text.
StatusOr<std::string> RunEncode(media::ByteSource& /*source*/, const std::vector<std::string>& jobs) {
  VORA_ASSIGN_OR_RETURN(const auto input, Parse<workflow::v1::EncodeChunkInput>(jobs, 0));
  VORA_ASSIGN_OR_RETURN(auto ring, FrameRing::Map(kChildFirstShared, media::FrameLayout(input.track().width(), input.track().height())));
  RingFeed feed(*ring);
  if (!feed.WaitForFirst()) return Cancelled("no frames came");
  media::SegmentEncoder encoder(input.track(), ring->color());
  const int first = input.chunk().first_segment();
  for (int i = first; i < first + input.chunk().segment_count(); ++i) {
    VORA_ASSIGN_OR_RETURN(media::EncodedSegment segment, encoder.Encode(i, feed));
    VORA_RETURN_IF_ERROR(SendSegment(std::move(segment)));
  }
  return std::to_string(CpuSeconds());
}

// jobs[0]: EncodeAudioInput. Sends the segments. Result: empty.
StatusOr<std::string> RunAudio(media::ByteSource& source, const std::vector<std::string>& jobs) {
  VORA_ASSIGN_OR_RETURN(const auto input, Parse<workflow::v1::EncodeAudioInput>(jobs, 0));
  VORA_RETURN_IF_ERROR(media::EncodeAudioTrack(source, input.media(), input.track(), &SendSegment));
  return std::string();
}

// jobs[0]: ExtractPosterInput. Result: the JPEG.
StatusOr<std::string> RunPoster(media::ByteSource& source, const std::vector<std::string>& jobs) {
  VORA_ASSIGN_OR_RETURN(const auto input, Parse<workflow::v1::ExtractPosterInput>(jobs, 0));
  return media::MakePoster(source, input.media(), input.at_seconds(), input.max_width());
}

// jobs[0]: ExtractPartInput. Sends the sheets. Result: empty.
StatusOr<std::string> RunStoryboard(media::ByteSource& source, const std::vector<std::string>& jobs) {
  VORA_ASSIGN_OR_RETURN(const auto input, Parse<workflow::v1::ExtractPartInput>(jobs, 0));
  const double sheets = media::PlanStoryboard(input.media()).sheets();
  VORA_RETURN_IF_ERROR(media::MakeStoryboard(source, input.media(), [&](int sheet, std::string jpeg) {
    return SendObject({layout::StoryboardSheet(sheet), (sheet + 1) / sheets, std::move(jpeg)});
  }));
  return std::string();
}

std::vector<std::string> StoryboardObjects(const media::v1::MediaInfo& media) {
  std::vector<std::string> sheets;
  for (int sheet = 0; sheet < media::PlanStoryboard(media).sheets(); ++sheet) sheets.push_back(layout::StoryboardSheet(sheet));
  return sheets;
}

std::string StoryboardIndex(const media::v1::MediaInfo& media) { return media::StoryboardVtt(media::PlanStoryboard(media)); }

// jobs[0]: ExtractSubtitlesInput. Sends WebVTT as segments, by index in MediaInfo.subtitles. Result: ExtractSubtitlesResult with warnings
// only.
StatusOr<std::string> RunSubtitles(media::ByteSource& source, const std::vector<std::string>& jobs) {
  VORA_ASSIGN_OR_RETURN(const auto input, Parse<workflow::v1::ExtractSubtitlesInput>(jobs, 0));
  std::vector<std::string> warnings;
  const auto send = [](media::SubtitleTrack track) {
    media::EncodedSegment segment;
    segment.index = track.index;
    segment.bytes = std::move(track.vtt);
    return SendSegment(std::move(segment));
  };
  VORA_RETURN_IF_ERROR(media::ExtractSubtitles(source, input.media(), send, &warnings));
  workflow::v1::ExtractSubtitlesResult result;
  for (auto& warning : warnings) result.add_warnings(std::move(warning));
  return result.SerializeAsString();
}

// What the sandbox forbids, tried.
StatusOr<std::string> RunCheck(media::ByteSource& /*source*/, const std::vector<std::string>& jobs) {
  return TryForbidden(jobs.empty() ? "" : jobs[0]);
}

}  // namespace

const std::vector<ChildRole>& ChildRoles() {
  static const std::vector<ChildRole> roles = {
      {.name = "probe", .run = &RunProbe},
      {.name = "decode", .run = &RunDecode, .long_work = true},
      {.name = "encode", .run = &RunEncode, .long_work = true},
      {.name = "audio", .run = &RunAudio, .long_work = true},
      {.name = "subtitles", .run = &RunSubtitles},
      {.name = "poster", .run = &RunPoster, .nice = 10},
      {.name = "storyboard",
       .run = &RunStoryboard,
       .nice = 10,
       .part = {.activity = "media.ExtractStoryboard",
                .objects = &StoryboardObjects,
                .index = layout::kStoryboard,
                .index_text = &StoryboardIndex}},
      {.name = kCheckRole, .run = &RunCheck},
  };
  return roles;
}

const ChildRole* FindChildRole(std::string_view name) {
  const auto& roles = ChildRoles();
  const auto found = std::find_if(roles.begin(), roles.end(), [name](const ChildRole& role) { return role.name == name; });
  return found == roles.end() ? nullptr : &*found;
}

}  // namespace vora::transcode
