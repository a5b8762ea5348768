#include <pthread.h>
#include <signal.h>

#include <memory>
#include <thread>
#include <vector>

#include "bench/engine/client.h"
#include "bench/engine/drivers.h"
#include "libs/ladder/ladder.h"
#include "libs/obs/metrics.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/worker/activity_worker.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::bench {
namespace {

using namespace workflow;
using std::chrono::milliseconds;

constexpr milliseconds kStopBudget{1000};
constexpr milliseconds kProgressEvery{500};
// As the transcode worker on two cores.
constexpr int kTranscodeSlots = 2;
constexpr int kMetadataSlots = 4;
constexpr int kFrameRate = 30;
constexpr int64_t kSegmentBytes = 1'000'000;

// Before any thread begins, so that all of them leave it to AwaitTerm.
sigset_t BlockTerm() {
  sigset_t term;
  sigemptyset(&term);
  sigaddset(&term, SIGTERM);
  sigaddset(&term, SIGINT);
  pthread_sigmask(SIG_BLOCK, &term, nullptr);
  return term;
}

void AwaitTerm(const sigset_t& term) {
  int number = 0;
  sigwait(&term, &number);
}

ActivityWorkerOptions Options(const Target& target, const std::string& queue, int slots) {
  ActivityWorkerOptions options;
  options.orchestrator = target.orchestrator;
  options.queue = queue;
  options.slots = slots;
  return options;
}

media::v1::MediaInfo Probed(double seconds) {
  media::v1::MediaInfo media;
  media.set_container("mov,mp4,m4a,3gp,3g2,mj2");
  media.set_bytes(static_cast<int64_t>(seconds * 1e6));
  media.set_duration_seconds(seconds);
  auto* video = media.mutable_video();
  video->set_codec("h264");
  video->set_width(1920);
  video->set_height(1080);
  video->set_frame_rate_num(kFrameRate);
  video->set_frame_rate_den(1);
  video->set_frames(static_cast<int64_t>(seconds * kFrameRate));
  video->set_pixel_format("yuv420p");
  auto* audio = media.add_audio();
  audio->set_stream_index(1);
  audio->set_codec("aac");
  audio->set_sample_rate(48000);
  audio->set_channels(2);
  audio->set_duration_seconds(seconds);
  return media;
}

std::string Planned(const v1::ActivityTask& task, double film_seconds) {
  v1::PlanInput input;
  if (!FromPayload(task.input(), input).ok()) Die("the input of the plan does not parse");
  v1::PlanResult result;
  *result.mutable_media() = Probed(film_seconds);
  auto plan = ladder::MakePlan(result.media(), input.ladder());
  if (!plan.ok()) Die("the film cannot be planned: " + ToText(plan.status()));
  *result.mutable_plan() = *std::move(plan);
  return ToPayload(result);
}

std::string EncodedChunk(const v1::ActivityTask& task) {
  v1::EncodeGroupInput input;
  if (!FromPayload(task.input(), input).ok()) Die("the input of a chunk does not parse");
  v1::EncodeChunkResult result;
  auto& segments = *result.mutable_segments();
  segments.set_track(task.items(0).name());
  segments.set_codecs("avc1.640028");
  for (int i = 0; i < input.chunk().segment_count(); ++i) {
    auto* segment = segments.add_segments();
    segment->set_index(input.chunk().first_segment() + i);
    segment->set_duration(input.tracks(0).frames_per_segment() * input.tracks(0).frame_rate_den());
    segment->set_bytes(kSegmentBytes + i);
  }
  return ToPayload(result);
}

std::string EncodedAudio(const v1::ActivityTask& task) {
  v1::EncodeAudioInput input;
  if (!FromPayload(task.input(), input).ok()) Die("the input of the audio does not parse");
  v1::EncodeAudioResult result;
  auto& segments = *result.mutable_segments();
  segments.set_track(input.track().name());
  segments.set_codecs("mp4a.40.2");
  for (int i = 0; i < input.track().segments_total(); ++i) {
    auto* segment = segments.add_segments();
    segment->set_index(i);
    segment->set_duration(static_cast<int64_t>(input.track().segment_seconds() * input.track().timescale()));
    segment->set_bytes(kSegmentBytes / 16 + i);
  }
  return ToPayload(result);
}

void Hold(const std::vector<std::shared_ptr<ActivityExecution>>& group) {
  for (double progress = 0; !group.front()->stopping(); progress += 0.001) {
    for (const auto& execution : group) execution->Heartbeat(progress, "");
    std::this_thread::sleep_for(kProgressEvery);
  }
  for (const auto& execution : group) execution->Release("");
}

}  // namespace

int ChainWorker(const Target& target, const WorkerOptions& options) {
  const sigset_t term = BlockTerm();
  obs::Metrics metrics;
  std::vector<std::unique_ptr<ActivityWorker>> workers;
  for (int i = 0; i < options.workers; ++i) {
    workers.push_back(std::make_unique<ActivityWorker>(Options(target, "bench", options.slots), metrics));
    workers.back()->Handle("bench.Nothing",
                           [](ActivityExecution&) { return ActivityOutcome::Ok("{\"handler_us\":" + std::to_string(NowMicros()) + "}"); });
    workers.back()->Start();
  }
  AwaitTerm(term);
  for (auto& worker : workers) worker->Stop(kStopBudget);
  return 0;
}

int FilmWorker(const Target& target, double film_seconds, bool hold) {
  const sigset_t term = BlockTerm();
  obs::Metrics metrics;
  ActivityWorker transcode(Options(target, "transcode", kTranscodeSlots), metrics);
  ActivityWorker metadata(Options(target, "metadata", kMetadataSlots), metrics);
  transcode.Handle("media.Plan",
                   [film_seconds](ActivityExecution& execution) { return ActivityOutcome::Ok(Planned(execution.task(), film_seconds)); });
  transcode.HandleGroup("media.EncodeGroup", [hold](std::vector<std::shared_ptr<ActivityExecution>> group) {
    if (hold) return Hold(group);
    for (const auto& execution : group) execution->Complete(EncodedChunk(execution->task()));
  });
  transcode.Handle("media.EncodeAudio", [](ActivityExecution& execution) { return ActivityOutcome::Ok(EncodedAudio(execution.task())); });
  for (const char* type : {"ExtractPoster", "ExtractStoryboard", "ExtractSubtitles", "PublishTrack", "PublishMasters"}) {
    transcode.Handle(std::string("media.") + type, [](ActivityExecution&) { return ActivityOutcome::Ok("{}"); });
  }
  for (const char* type : {"Plan", "Segments", "Track", "Poster", "Storyboard", "Part", "Captions", "Video"}) {
    metadata.Handle(std::string("metadata.Record") + type, [](ActivityExecution&) { return ActivityOutcome::Ok("{\"changed\":true}"); });
  }
  transcode.Start();
  metadata.Start();
  AwaitTerm(term);
  transcode.Stop(kStopBudget);
  metadata.Stop(kStopBudget);
  return 0;
}

}  // namespace vora::bench
