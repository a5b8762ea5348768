#pragma once

// The disk spool: an append-only log of rows in segment files. What Append has confirmed survives a crash of the process, and with
// fsync_interval 0 a crash of the machine. A sealed segment never changes: it is one insert batch, and its batch id the insert's
// deduplication token.
//
// The fast way in is Append(RowBatch, done): build a RowBatch per request, `RowBatch batch(DayOf(now_ms)); batch.Add(event); ...`. It makes
// one buffer, checksums included, which is written as it is. Append of a vector of rows is for tests and small callers.
//
// Rows that were not confirmed (the process died between write and confirmation) may still be found and shipped after a restart: nobody can
// tell them from confirmed ones. A row whose Append failed with UNAVAILABLE is removed before anything else is written.

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/clock.h"
#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/settings/settings.h"
#include "services/analytics-ingest/spool/spool_batch.h"

namespace vora::analytics {

struct SpoolOptions {
  std::string directory;  // VORA_SPOOL_DIR
  // How long a confirmed row may live in the page cache only. 0: one fdatasync before each (group) confirmation. Above 0: rows are
  // confirmed after write(2) and synced at least this often: a crash of the process loses nothing, a power cut up to this much.
  std::chrono::milliseconds fsync_interval{0};         // VORA_SPOOL_FSYNC_INTERVAL
  int64_t max_bytes = int64_t{10} << 30;               // VORA_SPOOL_MAX_BYTES; beyond it the oldest sealed segments are dropped and counted
  std::chrono::milliseconds max_age{7 * 86400'000LL};  // VORA_SPOOL_MAX_AGE, of a segment; then dropped and counted
  int64_t segment_rows = 100'000;                      // VORA_BATCH_ROWS: sealed when this many rows are in it,
  int64_t segment_bytes = 32 << 20;                    //   or this many bytes (not a setting),
  std::chrono::milliseconds segment_age{1000};         // VORA_BATCH_INTERVAL: or when its first row is this old
  int64_t max_pending_bytes = 16 << 20;                // rows waiting to be written; beyond it Append refuses

  void Declare(SettingsSchema& schema);
};

struct SealedSegment {
  uint64_t number = 0;  // grows by one; never reused, whatever the clock does
  std::string batch;    // 32 hex digits, random
  int32_t day = 0;      // DayOf its rows
  int64_t rows = 0;
  int64_t bytes = 0;      // of the file
  bool in_doubt = false;  // an insert may have been tried, by this process or an earlier one: ask before inserting
};

// What a check found in a spool directory.
struct SpoolCheck {
  int64_t segments = 0, rows = 0, bytes = 0;
  int64_t torn_bytes = 0;                // after the last whole record of the newest segment
  std::vector<std::string> damaged;      // file: what is wrong
  std::vector<std::string> quarantined;  // found damaged earlier
};

// Thread-safe.
class Spool {
 public:
  // Opens and recovers: cuts a torn tail, seals what was open, quarantines damaged segments (renamed `*.damaged`, never deleted, reported).
  // Memory does not grow with what is in the directory. ALREADY_EXISTS: another process holds the directory.
  static StatusOr<std::unique_ptr<Spool>> Open(SpoolOptions options, const Clock& clock, obs::Metrics& metrics);
  virtual ~Spool() = default;  // writes what is pending, syncs, seals

  // `done` is called once from the spool's own thread, must be quick and must not call the spool: OK when the rows are as durable as
  // fsync_interval says; UNAVAILABLE when the disk refused (full, I/O error): then none of them is in the spool, and the spool has
  // recovered or keeps trying to. Returned, and `done` not called: RESOURCE_EXHAUSTED when too much is pending; INVALID_ARGUMENT when the
  // batch is empty, larger than max_pending_bytes, or has a row that no event makes. The rows of one batch stay in one segment.
  virtual Status Append(RowBatch batch, std::function<void(Status)> done) = 0;
  // The same for rows of one day, each as AppendRow made it.
  Status Append(int32_t day, const std::vector<std::string>& rows, std::function<void(Status)> done);

  // The oldest sealed segment that is not taken, waiting up to `wait` for one. It stays on disk until Release.
  virtual std::optional<SealedSegment> Claim(std::chrono::milliseconds wait) = 0;
  // Durably notes that an insert is going to be tried. Before the first try.
  virtual Status MarkInDoubt(const SealedSegment& segment) = 0;
  // Calls `row` for each row in order. DATA_LOSS: a checksum does not hold (rows before it were handed over: forget them); quarantine it.
  virtual Status ReadRows(const SealedSegment& segment, const std::function<void(std::string_view row)>& row) = 0;
  virtual Status Release(const SealedSegment& segment) = 0;  // inserted: deleted
  virtual void Nack(const SealedSegment& segment) = 0;       // Claim will offer it again, first
  // Cannot be inserted, ever: renamed `*.damaged` and kept for people. If it is damaged and was never in doubt, the rows that are intact
  // are copied to a new segment with a new batch id, which Claim offers: read it before MarkInDoubt, then a bit flip costs one row.
  virtual Status Quarantine(const SealedSegment& segment, std::string_view reason) = 0;
  // Seals the open segment now (if it has rows): when it returns, Claim offers everything confirmed before. Not from a `done`.
  virtual void SealNow() = 0;
  // Nothing confirmed is left to insert.
  virtual bool Empty() = 0;
  // OK while rows can be accepted.
  virtual Status Health() = 0;
};

// Reads only; also while a daemon runs on the directory.
StatusOr<SpoolCheck> CheckSpool(const std::string& directory);

}  // namespace vora::analytics
