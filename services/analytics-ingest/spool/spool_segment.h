#pragma once

// The segment that rows are added to. Not thread-safe, but for SyncJob.
//
// Written is what write(2) took; confirmed is what the writers were told is safe, always a prefix of it. What fails is cut off again. After
// a failed sync nobody knows what reached the disk, so the file is not written to again: `broken`, and to be sealed with what was
// confirmed.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <sys/uio.h>

#include "libs/core/status.h"
#include "services/analytics-ingest/spool/spool_directory.h"

namespace vora::analytics {

class OpenSegment {
 public:
  // A new file, empty but for its header. The name is durable after the first Sync.
  static StatusOr<std::unique_ptr<OpenSegment>> Create(SpoolDirectory& directory, int32_t day, int64_t now_ms);

  // Behind what is written. UNAVAILABLE: cut back to what was confirmed, or broken.
  Status Write(std::vector<iovec>& parts, int64_t rows);
  // UNAVAILABLE: broken.
  Status Sync();
  void Confirm() { confirmed_rows_ = rows_, confirmed_bytes_ = bytes_; }

  // A sync that another thread may run while rows are written; its outcome is told to SyncDone.
  struct SyncJob {
    uint64_t number = 0;
    int64_t bytes = 0;  // written so far: these are synced when it succeeds
    FileHandle file;
    const SpoolDirectory* directory = nullptr;  // whose names need a sync too, or nullptr
    Status Run() const;
  };
  StatusOr<SyncJob> StartSync() const;
  void SyncDone(int64_t bytes, const Status& status);

  // Gives it its final name; without confirmed rows it is removed, and the name's rows are 0. Syncs what was confirmed and is not synced,
  // and goes on if that fails. UNAVAILABLE: to be called again.
  StatusOr<SegmentName> Seal();

  uint64_t number() const { return header_.number; }
  int32_t day() const { return header_.day; }
  int64_t rows() const { return rows_; }
  int64_t bytes() const { return bytes_; }
  bool broken() const { return broken_; }
  bool synced() const { return synced_bytes_ == bytes_; }
  std::chrono::steady_clock::time_point created() const { return created_; }

 private:
  OpenSegment(SpoolDirectory& directory, FileHandle file, SegmentHeader header)
      : directory_(directory), file_(std::move(file)), header_(std::move(header)) {}
  void CutBack();

  SpoolDirectory& directory_;
  const FileHandle file_;
  const SegmentHeader header_;
  const std::chrono::steady_clock::time_point created_ = std::chrono::steady_clock::now();
  int64_t rows_ = 0, bytes_ = kSegmentHeaderBytes;
  int64_t confirmed_rows_ = 0, confirmed_bytes_ = kSegmentHeaderBytes;
  int64_t synced_bytes_ = 0;
  bool name_synced_ = false;
  bool broken_ = false;
};

}  // namespace vora::analytics
