#pragma once

// Does what may take long beside the writer: the periodic sync, and the closing of segments. So a slow disk does not hold up rows that
// need not wait for it. Thread-safe; one thread.

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

#include "libs/obs/metrics.h"
#include "services/analytics-ingest/spool/spool_segment.h"

namespace vora::analytics {

class SegmentSealer {
 public:
  // `sealed`: from the sealer's thread, for each segment that has its final name. `synced`: from there too, when Synced has news.
  SegmentSealer(std::function<void(const SegmentName&)> sealed, std::function<void()> synced, obs::Histogram& sync_seconds);
  ~SegmentSealer();  // tries what waits once more; what cannot be sealed is recovered by the next start

  // Tries until it succeeds.
  void Seal(std::unique_ptr<OpenSegment> segment);
  // Waits until everything given before was tried at least once.
  void WaitUntilIdle();
  // Segments that wait, and why the last try failed; OK if it did not.
  size_t waiting() const;
  Status Problem() const;

  void Sync(OpenSegment::SyncJob job);
  // The outcome of the last Sync, once.
  struct SyncOutcome {
    uint64_t number = 0;
    int64_t bytes = 0;
    Status status;
  };
  std::optional<SyncOutcome> Synced();

 private:
  void Run();
  SyncOutcome DoSync(OpenSegment::SyncJob job);

  const std::function<void(const SegmentName&)> sealed_;
  const std::function<void()> synced_;
  obs::Histogram& sync_seconds_;

  mutable std::mutex mutex_;
  std::condition_variable wake_, tried_;
  std::deque<std::unique_ptr<OpenSegment>> segments_;
  size_t in_work_ = 0;
  uint64_t passes_wanted_ = 0, passes_done_ = 0;
  std::optional<OpenSegment::SyncJob> job_;
  std::optional<SyncOutcome> outcome_;
  Status problem_;
  bool stop_ = false;

  std::thread thread_;  // last: uses all of the above
};

}  // namespace vora::analytics
