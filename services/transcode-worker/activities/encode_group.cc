#include "services/transcode-worker/activities/encode_group.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <thread>

#include "libs/obs/trace.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/rendition_run.h"

namespace vora::transcode {
namespace {

using SteadyClock = std::chrono::steady_clock;
using workflow::StopCause;
constexpr std::chrono::milliseconds kTick{100};

class EncodeGroup {
 public:
  EncodeGroup(const WorkerContext& context, std::vector<std::shared_ptr<workflow::ActivityExecution>> executions) : context_(context) {
    for (auto& execution : executions) runs_.push_back(std::make_unique<RenditionRun>(context, std::move(execution)));
  }

  // Members are destroyed only after this: the thread uses them, and ends when its child is gone.
  ~EncodeGroup() {
    if (decoder_) decoder_->Kill();
    if (decoder_thread_.joinable()) decoder_thread_.join();
  }

  void Run() {
    // Those that have all their segments, or bad input, have ended; the decoder makes frames for the rest only.
    std::erase_if(runs_, [](auto& run) { return !run->Prepare(); });
    if (runs_.empty()) return;
    StatusOr<std::unique_ptr<SourceReader>> source = context_.OpenSource(runs_[0]->work().source_key(), [this] { return AllStopping(); });
    // The source is the same for all: without it none can go on.
    if (!source.ok()) return AbortAll(FailureOf(source.status()));
    source_ = std::move(*source);
    std::erase_if(runs_, [](auto& run) { return !run->Start(); });
    if (runs_.empty()) return;
    if (const Status started = StartDecoder(); !started.ok()) return AbortAll(FailureOf(started));
    while (std::any_of(runs_.begin(), runs_.end(), [](auto& run) { return run->running(); })) {
      std::this_thread::sleep_for(kTick);
      for (auto& run : runs_) run->Tick();
      ObeyStops();
      WatchForHangs();
    }
  }

 private:
  bool AllStopping() const {
    return std::all_of(runs_.begin(), runs_.end(), [](auto& run) { return run->ended() || run->execution().stopping(); });
  }

  void AbortAll(const workflow::v1::Failure& failure) {
    for (auto& run : runs_) {
      if (run->execution().stopping()) {
        run->Stop();
      } else {
        run->Abort(failure);
      }
    }
  }

  Status StartDecoder() {
    ChildSpec spec = context_.NewChild("decode");
    const auto& first = runs_[0]->work();
    spec.labels = {"--video=" + first.video_id(), "--chunk=" + std::to_string(first.chunk().index())};
    spec.nice = first.chunk().index() > 0 ? kNiceOfLaterChunks : 0;
    for (auto& run : runs_) spec.shared_fds.push_back(run->ring().fd());
    VORA_ASSIGN_OR_RETURN(decoder_, ChildProcess::Spawn(spec));
    // One job for each ring, in the same order: the child takes the i-th ring for the i-th job.
    for (auto& run : runs_) VORA_RETURN_IF_ERROR(decoder_->Send(MessageType::kJob, run->work().SerializeAsString()));
    VORA_RETURN_IF_ERROR(decoder_->Send(MessageType::kStart, std::to_string(source_->size())));
    decoder_running_ = true;
    decoder_thread_ = std::thread([this, trace = obs::CurrentTrace()] {
      const obs::TraceScope scope(trace);
      RunDecoder();
    });
    return {};
  }

  void RunDecoder() {
    const ChildExit exit = decoder_->Run([this](Message& message) {
      ++decoder_messages_;
      return context_.Serve(*decoder_, *source_, message);
    });
    // A decoder whose renditions have all ended was stopped by their closed rings, which is no failure.
    if (exit.ok()) {
      for (auto& run : runs_) run->SetDecodeSeconds(std::atof(exit.result->c_str()));
    } else if (std::any_of(runs_.begin(), runs_.end(), [](auto& run) { return !run->ended(); })) {
      AbortAll(context_.JudgeChild(exit, "decoder"));
    }
    decoder_running_ = false;
  }

  void ObeyStops() {
    for (auto& run : runs_) {
      switch (run->execution().stop_cause()) {
        case StopCause::kNone:
          break;
        case StopCause::kCancelRequested:
        case StopCause::kLeaseLost:
          run->Stop();
          break;
        case StopCause::kDraining:
          run->StopAfterSegment();
          if (!drain_since_.has_value()) drain_since_ = SteadyClock::now();
          // Segments that are nearly done are worth a moment, but the process must be gone in time.
          if (SteadyClock::now() - *drain_since_ > context_.options().drain_grace) run->Stop();
          break;
      }
    }
  }

  // Nothing moved for too long, and the store is not what is waited for: find out who stands still.
  void WatchForHangs() {
    // Frames count, not only messages: a chunk may be decoded from a source that is read already.
    uint64_t progress = decoder_messages_;
    for (auto& run : runs_) progress += run->Progress();
    const bool waiting = source_->waiting() || std::any_of(runs_.begin(), runs_.end(), [](auto& run) { return run->publishing(); });
    if (progress != last_progress_ || waiting) {
      last_progress_ = progress;
      last_moved_ = SteadyClock::now();
      return;
    }
    if (SteadyClock::now() - last_moved_ < context_.options().child_timeout) return;
    // Again a whole timeout for what goes on after this: the failure of one child may have been what the others waited for.
    last_moved_ = SteadyClock::now();
    context_.CountChildFailure("timeout");
    const auto seconds = std::to_string(context_.options().child_timeout.count() / 1000);
    bool found = false;
    for (auto& run : runs_) {
      // An encoder that has frames, or no decoder to wait for, is the one that stands still. When each of them waits for frames, it is the
      // decoder.
      if (run->ended() || !(run->HasFrames() || !decoder_running_)) continue;
      run->Abort(FailureOf(DeadlineExceeded("The encoder made no progress for " + seconds + " s.")));
      found = true;
    }
    if (!found) AbortAll(FailureOf(DeadlineExceeded("The decoder made no progress for " + seconds + " s.")));
  }

  const WorkerContext& context_;
  std::vector<std::unique_ptr<RenditionRun>> runs_;
  std::unique_ptr<SourceReader> source_;
  std::unique_ptr<ChildProcess> decoder_;
  std::atomic<bool> decoder_running_{false};
  std::atomic<uint64_t> decoder_messages_{0};
  uint64_t last_progress_ = 0;
  SteadyClock::time_point last_moved_ = SteadyClock::now();
  std::optional<SteadyClock::time_point> drain_since_;
  std::thread decoder_thread_;
};

}  // namespace

void RunEncodeGroup(const WorkerContext& context, std::vector<std::shared_ptr<workflow::ActivityExecution>> executions) {
  EncodeGroup group(context, std::move(executions));
  group.Run();
}

}  // namespace vora::transcode
