#pragma once

// One rendition of one chunk: its activity, its encoder child, and the segments it has published. Fails and succeeds on its own.

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "libs/workflow/worker/activity_worker.h"
#include "services/transcode-worker/activities/publisher.h"
#include "services/transcode-worker/activities/worker_context.h"
#include "services/transcode-worker/pipe/frame_ring.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {

// Chunks after the first one yield to it, so that play can begin soon.
inline constexpr int kNiceOfLaterChunks = 10;

class RenditionRun {
 public:
  RenditionRun(const WorkerContext& context, std::shared_ptr<workflow::ActivityExecution> execution);
  ~RenditionRun();  // kills the child, joins

  // Reads the input and finds out what is published already. False when the activity has ended by that (all there, or bad input).
  bool Prepare();
  // Starts the encoder child and its thread. False when the activity has ended by that. The calling thread must outlive the child.
  bool Start();
  // Ends the activity with `failure` unless it has ended.
  void Abort(const workflow::v1::Failure& failure);
  // Ends the activity as its stop cause asks: cancels it, or releases it with its checkpoint.
  void Stop();
  // For drain: Stop() as soon as the segment under way is published.
  void StopAfterSegment() { stop_after_segment_ = true; }
  void SetDecodeSeconds(double seconds) { decode_seconds_ = seconds; }
  // Sends progress, counts frames. Called a few times a second.
  void Tick();

  bool ended() const { return ended_; }
  bool running() const { return running_; }
  const workflow::ActivityExecution& execution() const { return *execution_; }
  // What is left to do: the chunk from the first unpublished segment on.
  const workflow::v1::EncodeChunkInput& work() const { return work_; }
  FrameRing& ring() { return *ring_; }
  // Grows with everything that happens; and whether the encoder has frames it could work on.
  uint64_t Progress() const;
  bool HasFrames() const { return ring_ && ring_->written() != ring_->read(); }
  bool publishing() const { return publishing_; }

 private:
  Status FindPublished();
  void RunChild();
  Status Publish(media::EncodedSegment segment);
  void Complete(double encode_seconds);
  std::string Checkpoint();
  bool Claim();  // true for whoever ends the activity
  std::function<bool()> stopped() const;
  Writer writer() const;

  const WorkerContext& context_;
  const std::shared_ptr<workflow::ActivityExecution> execution_;
  workflow::v1::EncodeChunkInput input_;
  workflow::v1::EncodeChunkInput work_;
  std::mutex mutex_;                   // guards segments_
  media::v1::TrackSegments segments_;  // published, from the chunk's first on
  std::string init_;
  std::unique_ptr<FrameRing> ring_;
  std::unique_ptr<ChildProcess> child_;
  std::atomic<bool> ended_{false};
  std::atomic<bool> running_{false};
  std::atomic<bool> publishing_{false};
  std::atomic<bool> stop_after_segment_{false};
  std::atomic<double> decode_seconds_{0};
  std::atomic<uint32_t> published_{0};
  std::chrono::steady_clock::time_point started_;
  std::thread thread_;
};

}  // namespace vora::transcode
