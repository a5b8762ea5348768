#pragma once

// The sealed segments: which wait, which are taken, and how much there is. Keeps only the oldest in memory and looks into the folder for
// more when these are used up. Thread-safe.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "libs/core/status.h"
#include "services/analytics-ingest/spool/spool_directory.h"

namespace vora::analytics {

struct SpoolTotals {
  int64_t segments = 0, rows = 0, bytes = 0;
};

class SegmentIndex {
 public:
  // `window`: how many waiting segments are kept in memory.
  explicit SegmentIndex(SpoolDirectory& directory, size_t window = 16'384) : directory_(directory), max_waiting_(window) {}

  // Reads what the folder has. Once, before anything else.
  Status Load();
  void Add(const SegmentName& segment);
  // The oldest that waits; it is taken from now on.
  std::optional<SegmentName> Claim(std::chrono::milliseconds wait);
  std::optional<SegmentName> Taken(uint64_t number) const;

  // Of a segment that is taken. NOT_FOUND: it is not.
  Status MarkInDoubt(uint64_t number);
  Status Release(uint64_t number);
  void Nack(uint64_t number);
  // The file was renamed or is gone.
  void Forget(uint64_t number);

  // Removes the oldest that waits; what it was. With `number`, only if that one is the oldest still. NOT_FOUND: there is none.
  StatusOr<SegmentName> DropOldest(std::optional<uint64_t> number = std::nullopt);
  // The oldest that waits.
  std::optional<SegmentName> Oldest();
  SpoolTotals totals() const;
  // More than `count` wait.
  bool WaitingMoreThan(size_t count) const;

 private:
  Status Refill();

  SpoolDirectory& directory_;
  const size_t max_waiting_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::map<uint64_t, SegmentName> waiting_, taken_;
  bool more_on_disk_ = false;
  SpoolTotals totals_;
};

}  // namespace vora::analytics
