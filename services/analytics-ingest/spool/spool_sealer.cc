#include "services/analytics-ingest/spool/spool_sealer.h"

#include <chrono>
#include <utility>

#include "libs/log/log.h"

namespace vora::analytics {
namespace {

constexpr std::chrono::milliseconds kRetryInterval{250};

}  // namespace

SegmentSealer::SegmentSealer(std::function<void(const SegmentName&)> sealed, std::function<void()> synced, obs::Histogram& sync_seconds)
    : sealed_(std::move(sealed)), synced_(std::move(synced)), sync_seconds_(sync_seconds), thread_([this] { Run(); }) {}

SegmentSealer::~SegmentSealer() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

void SegmentSealer::Seal(std::unique_ptr<OpenSegment> segment) {
  const std::lock_guard lock(mutex_);
  segments_.push_back(std::move(segment));
  ++passes_wanted_;
  wake_.notify_all();
}

void SegmentSealer::WaitUntilIdle() {
  std::unique_lock lock(mutex_);
  const uint64_t ticket = ++passes_wanted_;
  wake_.notify_all();
  tried_.wait(lock, [&] { return passes_done_ >= ticket; });
}

size_t SegmentSealer::waiting() const {
  const std::lock_guard lock(mutex_);
  return segments_.size() + in_work_;
}

Status SegmentSealer::Problem() const {
  const std::lock_guard lock(mutex_);
  return problem_;
}

void SegmentSealer::Sync(OpenSegment::SyncJob job) {
  const std::lock_guard lock(mutex_);
  job_ = std::move(job);
  wake_.notify_all();
}

std::optional<SegmentSealer::SyncOutcome> SegmentSealer::Synced() {
  const std::lock_guard lock(mutex_);
  return std::exchange(outcome_, std::nullopt);
}

void SegmentSealer::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto ready = [&] { return stop_ || job_ || passes_wanted_ != passes_done_; };
    if (segments_.empty()) {
      wake_.wait(lock, ready);
    } else {
      wake_.wait_for(lock, kRetryInterval, ready);
    }
    if (auto job = std::exchange(job_, std::nullopt)) {
      lock.unlock();
      SyncOutcome outcome = DoSync(*std::move(job));
      lock.lock();
      outcome_ = std::move(outcome);
      // Without the lock: what is called takes the writer's own.
      lock.unlock();
      synced_();
      lock.lock();
    }
    const uint64_t passes = passes_wanted_;
    const bool stop = stop_;
    std::deque<std::unique_ptr<OpenSegment>> work;
    work.swap(segments_);
    in_work_ = work.size();
    lock.unlock();
    std::deque<std::unique_ptr<OpenSegment>> failed;
    Status problem;
    for (auto& segment : work) {
      const auto name = segment->Seal();
      if (name.ok()) {
        sealed_(*name);
      } else {
        problem = name.status();
        failed.push_back(std::move(segment));
      }
    }
    lock.lock();
    // Once, not at every try.
    if (!problem.ok() && problem_.ok()) log::Error("a spool segment cannot be closed; trying again", {{"reason", Message(problem)}});
    problem_ = problem;
    // To the front, so that segments are closed in the order in which they were filled.
    segments_.insert(segments_.begin(), std::make_move_iterator(failed.begin()), std::make_move_iterator(failed.end()));
    in_work_ = 0;
    passes_done_ = passes;
    tried_.notify_all();
    if (stop) return;
  }
}

SegmentSealer::SyncOutcome SegmentSealer::DoSync(OpenSegment::SyncJob job) {
  const auto begin = std::chrono::steady_clock::now();
  SyncOutcome outcome{.number = job.number, .bytes = job.bytes, .status = job.Run()};
  sync_seconds_.Observe(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  return outcome;
}

}  // namespace vora::analytics
