#pragma once

// Spool on a disk: one thread writes. It takes everything that waits, writes it at once, syncs once, and confirms. Another one, the sealer,
// does what nobody waits for.

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "libs/core/time.h"
#include "services/analytics-ingest/spool/spool.h"
#include "services/analytics-ingest/spool/spool_directory.h"
#include "services/analytics-ingest/spool/spool_index.h"
#include "services/analytics-ingest/spool/spool_sealer.h"
#include "services/analytics-ingest/spool/spool_segment.h"

namespace vora::analytics {

class DiskSpool : public Spool {
 public:
  DiskSpool(SpoolOptions options, const Clock& clock, obs::Metrics& metrics, std::unique_ptr<SpoolDirectory> directory);
  ~DiskSpool() override;
  // Recovers, then starts the thread.
  Status Start();

  Status Append(RowBatch batch, std::function<void(Status)> done) override;
  std::optional<SealedSegment> Claim(std::chrono::milliseconds wait) override;
  Status MarkInDoubt(const SealedSegment& segment) override;
  Status ReadRows(const SealedSegment& segment, const std::function<void(std::string_view row)>& row) override;
  Status Release(const SealedSegment& segment) override;
  void Nack(const SealedSegment& segment) override;
  Status Quarantine(const SealedSegment& segment, std::string_view reason) override;
  void SealNow() override;
  bool Empty() override;
  Status Health() override;

 private:
  using Steady = std::chrono::steady_clock;
  struct Pending {
    RowBatch batch;
    std::function<void(Status)> done;
  };

  // spool_writer.cc, all on the spool's thread.
  void Run();
  void Commit(std::vector<Pending>& group);
  // Writes group[begin, result), rows of one day that fit the open segment, and answers them. Nothing: the disk refuses.
  StatusOr<size_t> CommitRun(std::vector<Pending>& group, size_t begin);
  Status SyncOpen();
  // OK: a segment for rows of `day` is open and not full.
  Status PrepareSegment(int32_t day);
  bool Full() const;
  // Hands the open segment to the sealer.
  void SealOpen();
  void SyncPeriodically(Steady::time_point now);
  void Housekeep();
  void EnforceLimits();
  int64_t AgeOf(int64_t created_ms) const;
  void Drop(const char* limit, int64_t rows, obs::Counter& counter);
  void Probe();
  void SetHealth(Status status);
  Steady::time_point NextDeadline() const;
  void PublishGauges();
  void PublishAge();
  void PublishFreeDisk();

  // Of the sealer's thread.
  void OnSealed(const SegmentName& name);

  // spool.cc
  std::optional<SealedSegment> Describe(const SegmentName& name, Status* problem);
  Status QuarantineTaken(const SegmentName& name, std::string_view reason);

  const SpoolOptions options_;
  const Clock& clock_;
  const Steady::time_point opened_ = Steady::now();
  const int64_t opened_ms_ = ToUnixMs(clock_.Now());
  const std::unique_ptr<SpoolDirectory> directory_;
  SegmentIndex index_;

  obs::Gauge &rows_gauge_, &bytes_gauge_, &segments_gauge_, &age_gauge_, &free_gauge_, &healthy_gauge_;
  obs::Counter &appended_, &dropped_by_size_, &dropped_by_age_, &damaged_;
  obs::Histogram& sync_seconds_;

  std::mutex mutex_;
  std::condition_variable wake_, handed_over_;
  std::vector<Pending> pending_;
  int64_t pending_bytes_ = 0;  // what is being written counts
  int64_t unsealed_rows_ = 0;  // confirmed, and not in the index yet
  uint64_t seals_wanted_ = 0, seals_done_ = 0;
  bool stop_ = false, sync_news_ = false;
  Status health_;

  // Of the spool's thread.
  std::unique_ptr<OpenSegment> open_;
  bool sync_runs_ = false;
  std::vector<iovec> parts_;
  Steady::time_point last_sync_{}, last_limits_{}, last_probe_{}, last_drop_log_{};
  int64_t drops_not_logged_ = 0;
  bool healthy_ = true;

  std::unique_ptr<SegmentSealer> sealer_;  // stops before the rest goes
  std::thread thread_;                     // last: uses all of the above
};

}  // namespace vora::analytics
