#include "services/transcode-worker/activities/rendition_run.h"

#include <algorithm>

#include "libs/core/error.h"
#include "libs/layout/layout.h"
#include "libs/layout/segment_list.h"
#include "libs/log/log.h"
#include "libs/media/cmaf/fmp4.h"
#include "libs/obs/trace.h"
#include "libs/workflow/definition/payload.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/published_segments.h"
#include "services/transcode-worker/metrics.h"

namespace vora::transcode {
namespace {

using media::v1::SegmentInfo;
using workflow::StopCause;

constexpr char kVideoType[] = "video/mp4";

Status CheckInput(const workflow::v1::EncodeChunkInput& input) {
  const auto& plan = input.track();
  if (plan.width() <= 0 || plan.height() <= 0 || plan.width() > 8192 || plan.height() > 8192 || plan.width() % 2 != 0 ||
      plan.height() % 2 != 0) {
    return InvalidArgument("track.width and track.height must be even and at most 8192");
  }
  if (plan.frames_per_segment() <= 0 || plan.frames_per_gop() <= 0 || plan.frame_rate_num() <= 0 || plan.frame_rate_den() <= 0) {
    return InvalidField("track", "the frame grid is incomplete");
  }
  const auto& chunk = input.chunk();
  if (chunk.segment_count() <= 0 || chunk.first_segment() < 0 || chunk.first_segment() + chunk.segment_count() > plan.segments_total()) {
    return InvalidField("chunk", "segments outside the track");
  }
  return {};
}

// Of a group the part that is named as its item.
Status ReadWork(const workflow::v1::ActivityTask& task, workflow::v1::EncodeChunkInput& work) {
  if (task.items().empty()) return workflow::FromPayload(task.input(), work);
  workflow::v1::EncodeGroupInput group;
  VORA_RETURN_IF_ERROR(workflow::FromPayload(task.input(), group));
  const std::string& name = task.items(0).name();
  auto* tracks = group.mutable_tracks();
  const auto track = std::find_if(tracks->begin(), tracks->end(), [&](const auto& one) { return one.name() == name; });
  if (track == tracks->end()) return InvalidField("tracks", "has no track " + name);
  work.set_video_id(group.video_id());
  work.set_source_key(group.source_key());
  work.set_object_prefix(group.object_prefix());
  *work.mutable_media() = std::move(*group.mutable_media());
  *work.mutable_track() = std::move(*track);
  *work.mutable_chunk() = group.chunk();
  return {};
}

}  // namespace

RenditionRun::RenditionRun(const WorkerContext& context, std::shared_ptr<workflow::ActivityExecution> execution)
    : context_(context), execution_(std::move(execution)) {}

RenditionRun::~RenditionRun() {
  // Order matters: a closed ring wakes whoever waits in it, a killed child ends Run, and only then is the thread gone.
  if (ring_) ring_->Close();
  if (child_) child_->Kill();
  if (thread_.joinable()) thread_.join();
}

std::function<bool()> RenditionRun::stopped() const {
  return [this] { return ended_ || execution_->stopping(); };
}

Writer RenditionRun::writer() const {
  Writer writer = WriterOf(*execution_);
  writer.stopping = stopped();
  return writer;
}

// The child's thread and the group's thread may both find an end; the first one reports it.
bool RenditionRun::Claim() { return !ended_.exchange(true); }

bool RenditionRun::Prepare() {
  Status status = ReadWork(execution_->task(), input_);
  if (status.ok()) status = CheckInput(input_);
  if (status.ok()) status = FindPublished();
  if (!status.ok()) {
    Abort(FailureOf(status));
    return false;
  }
  work_ = input_;
  const int done = segments_.segments_size();
  // The checkpoint and the store together say what is there, so the work begins after it.
  work_.mutable_chunk()->set_first_segment(input_.chunk().first_segment() + done);
  work_.mutable_chunk()->set_segment_count(input_.chunk().segment_count() - done);
  published_ = static_cast<uint32_t>(done);
  if (done > 0) {
    log::Info("a rendition of a chunk goes on", {{"activity", execution_->task().activity_id()},
                                                 {"workflow_id", execution_->task().workflow_id()},
                                                 {"from_segment", work_.chunk().first_segment()}});
  }
  if (work_.chunk().segment_count() == 0) {
    Complete(0);
    return false;
  }
  return true;
}

Status RenditionRun::FindPublished() {
  segments_.set_track(input_.track().name());
  workflow::v1::EncodeChunkCheckpoint checkpoint;
  if (!execution_->task().checkpoint().empty() && workflow::FromPayload(execution_->task().checkpoint(), checkpoint).ok()) {
    int expected = input_.chunk().first_segment();
    for (const SegmentInfo& segment : checkpoint.segments().segments()) {
      // Only an unbroken run counts: playlists list segments without gaps, and the encoder goes on at one place.
      if (segment.index() != expected++) break;
      *segments_.add_segments() = segment;
    }
  }
  const auto planned = PlannedSegments(input_.track(), input_.media().duration_seconds());
  // The last attempt may have died between publishing a segment and telling of it.
  while (segments_.segments_size() < input_.chunk().segment_count()) {
    const int index = input_.chunk().first_segment() + segments_.segments_size();
    const StatusOr<int64_t> size =
        context_.publisher().SizeOf(layout::InTrack(input_.object_prefix(), input_.track().name(), layout::Segment(index)), stopped());
    if (size.status().code() == StatusCode::kNotFound) break;
    VORA_RETURN_IF_ERROR(size.status());
    SegmentInfo* segment = segments_.add_segments();
    segment->set_index(index);
    segment->set_bytes(*size);
    segment->set_duration(planned[static_cast<size_t>(index)].duration);
  }
  if (segments_.segments_size() == 0) return {};
  const StatusOr<std::string> init =
      context_.publisher().Get(layout::InTrack(input_.object_prefix(), input_.track().name(), layout::kInit), stopped());
  if (init.status().code() == StatusCode::kNotFound) {
    segments_.clear_segments();  // a folder in disorder: make it whole
    return {};
  }
  VORA_RETURN_IF_ERROR(init.status());
  // From the init segment, since segments that were only found in the store come without.
  segments_.set_codecs(media::CodecsOfInit(*init));
  return {};
}

bool RenditionRun::Start() {
  started_ = std::chrono::steady_clock::now();
  const media::FrameLayout layout(work_.track().width(), work_.track().height());
  StatusOr<std::unique_ptr<FrameRing>> ring = FrameRing::Create(layout);
  Status status = ring.status();
  if (status.ok()) {
    ring_ = std::move(*ring);
    ChildSpec spec = context_.NewChild("encode");
    spec.labels = {"--track=" + work_.track().name(), "--video=" + work_.video_id(), "--chunk=" + std::to_string(work_.chunk().index())};
    spec.shared_fds = {ring_->fd()};
    spec.nice = work_.chunk().index() > 0 ? kNiceOfLaterChunks : 0;
    StatusOr<std::unique_ptr<ChildProcess>> child = ChildProcess::Spawn(spec);
    status = child.status();
    if (status.ok()) child_ = std::move(*child);
  }
  if (status.ok()) status = child_->Send(MessageType::kJob, work_.SerializeAsString());
  if (status.ok()) status = child_->Send(MessageType::kStart, "0");
  if (!status.ok()) {
    Abort(FailureOf(status));
    return false;
  }
  running_ = true;
  thread_ = std::thread([this, trace = obs::CurrentTrace()] {
    const obs::TraceScope scope(trace);
    RunChild();
  });
  return true;
}

void RenditionRun::RunChild() {
  const ChildExit exit = child_->Run([this](Message& message) -> Status {
    if (message.type != MessageType::kSegment) return InvalidArgument("unexpected message from the encoder");
    VORA_ASSIGN_OR_RETURN(media::EncodedSegment segment, UnpackSegment(message.payload));
    // Waiting for the store is no hang of the encoder.
    publishing_ = true;
    const Status published = Publish(std::move(segment));
    publishing_ = false;
    return published;
  });
  // The decoder may be waiting for a free slot of this ring, and must go on for the others.
  ring_->Close();
  // The result alone is not believed: every segment of the chunk must have been published.
  if (exit.ok() && published_ == static_cast<uint32_t>(input_.chunk().segment_count())) {
    Complete(std::atof(exit.result->c_str()));
  } else if (execution_->stopping()) {
    Stop();
  } else if (!ended_) {
    Abort(context_.JudgeChild(exit, "encoder of " + input_.track().name()));
  }
  running_ = false;
}

Status RenditionRun::Publish(media::EncodedSegment segment) {
  const std::string& prefix = input_.object_prefix();
  const std::string& track = input_.track().name();
  // Counted here, since the child names the index and decides the key with it.
  if (segment.index != input_.chunk().first_segment() + static_cast<int>(published_)) return Internal("the encoder skipped a segment");
  if (init_ != segment.init) {
    VORA_RETURN_IF_ERROR(context_.publisher().PutSame(layout::InTrack(prefix, track, layout::kInit), segment.init, kVideoType, writer()));
    init_ = segment.init;
  }
  VORA_ASSIGN_OR_RETURN(const int64_t bytes, context_.publisher().PutOnce(layout::InTrack(prefix, track, layout::Segment(segment.index)),
                                                                          segment.bytes, kVideoType, writer()));
  {
    std::lock_guard lock(mutex_);
    segments_.set_codecs(segment.codecs);
    SegmentInfo* info = segments_.add_segments();
    info->set_index(segment.index);
    info->set_duration(segment.duration);
    info->set_bytes(bytes);
  }
  ++published_;
  log::Debug(
      "segment published",
      {{"activity", execution_->task().activity_id()}, {"workflow_id", execution_->task().workflow_id()}, {"segment", segment.index}});
  kSegments.In(context_.metrics()).Increment();
  context_.speed().Add(static_cast<double>(segment.duration) / input_.track().timescale());
  Tick();
  if (stop_after_segment_ && published_ < static_cast<uint32_t>(input_.chunk().segment_count())) {
    Stop();
    return Cancelled("draining");
  }
  return {};
}

std::string RenditionRun::Checkpoint() {
  workflow::v1::EncodeChunkCheckpoint checkpoint;
  std::lock_guard lock(mutex_);
  *checkpoint.mutable_segments() = segments_;
  return workflow::ToPayload(checkpoint);
}

void RenditionRun::Tick() {
  if (ended_ || !ring_) return;
  const media::SegmentEncoder grid(work_.track(), {});
  const auto frames_of = [&](const media::v1::ChunkPlan& chunk) {
    return static_cast<double>(grid.EndFrame(chunk.first_segment() + chunk.segment_count() - 1) - grid.FirstFrame(chunk.first_segment()));
  };
  const double all = frames_of(input_.chunk());
  const double before = all - frames_of(work_.chunk());
  const uint32_t frames = std::min(ring_->read(), static_cast<uint32_t>(frames_of(work_.chunk())));
  // Below 1 until it is complete, since the last segment is still to be published.
  execution_->Heartbeat(std::min(0.99, (before + frames) / all), Checkpoint());
}

void RenditionRun::Complete(double encode_seconds) {
  if (!Claim()) return;
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  workflow::v1::EncodeChunkResult result;
  {
    std::lock_guard lock(mutex_);
    *result.mutable_segments() = execution_->task().items().empty() ? segments_ : layout::Pack(segments_);
  }
  result.set_decode_seconds(decode_seconds_);
  result.set_encode_seconds(encode_seconds);
  if (ring_) {
    const auto& plan = work_.track();
    const double frames = ring_->read();
    const double media_seconds = frames * plan.frame_rate_den() / plan.frame_rate_num();
    const std::string rendition = RenditionLabel(plan.rung());
    kFrames.In(context_.metrics(), {rendition}).Increment(frames);
    kMediaSeconds.In(context_.metrics(), {rendition}).Increment(media_seconds);
    kEncodingSeconds.In(context_.metrics(), {rendition}).Increment(elapsed);
    kSpeed.In(context_.metrics(), {rendition}).Set(media_seconds / std::max(0.001, elapsed));
  }
  execution_->Complete(workflow::ToPayload(result));
}

void RenditionRun::Abort(const workflow::v1::Failure& failure) {
  if (Claim()) {
    log::Warn("a rendition of a chunk failed", {{"activity", execution_->task().activity_id()},
                                                {"workflow", execution_->task().workflow_id()},
                                                {"code", failure.code()},
                                                {"error", failure.message()}});
    // Fail carries no checkpoint: what a heartbeat still tells before it, the next attempt need not look for in the store.
    if (ring_) execution_->Heartbeat(0, Checkpoint());
    execution_->Fail(failure);
  }
  // Also when somebody else has ended the activity: ring and child must not outlive it.
  if (ring_) ring_->Close();
  if (child_) child_->Kill();
}

void RenditionRun::Stop() {
  if (Claim()) {
    if (execution_->stop_cause() == StopCause::kDraining) {
      log::Info("a rendition of a chunk is handed back", {{"activity", execution_->task().activity_id()},
                                                          {"workflow_id", execution_->task().workflow_id()},
                                                          {"published", static_cast<int>(published_)},
                                                          {"next_segment", input_.chunk().first_segment() + static_cast<int>(published_)}});
      execution_->Release(Checkpoint());
    } else {
      execution_->Cancel();
    }
  }
  if (ring_) ring_->Close();
  if (child_) child_->Kill();
}

uint64_t RenditionRun::Progress() const { return published_ + (ring_ ? uint64_t{ring_->read()} + ring_->written() : 0); }

}  // namespace vora::transcode
