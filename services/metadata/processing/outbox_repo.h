#pragma once

// The outbox as its relay sees it. Rows of one video go out one after the other; a claim is a lease, so several replicas can
// relay side by side and a dead one's claim comes back. Thread-safe.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "libs/core/status.h"

namespace vora::metadata {

class Store;

struct OutboxRow {
  int64_t seq = 0;
  std::string request_id, video_id, tenant, kind, payload, traceparent;
  int run_number = 0;
  int attempts = 0;         // this one included
  std::string last_run_id;  // of a start: the run before it, which must be closed first
  std::chrono::milliseconds age{0};
  int priority = 0;  // of the video, when the row was claimed
};

// Rows that are not done.
struct OutboxBacklog {
  int64_t rows = 0;
  double oldest_seconds = 0;
};

class OutboxRepo {
 public:
  explicit OutboxRepo(Store& store) : store_(store) {}

  // The oldest due row, leased for `lease`; nullopt when nothing is due.
  StatusOr<std::optional<OutboxRow>> Claim(std::chrono::milliseconds lease);
  // Of the video now; nothing when it is gone.
  StatusOr<std::optional<int>> PriorityOf(const std::string& video_id);
  // A start was taken as `run_id`: the row is done, and a CREATED video is PROCESSING.
  Status FinishStart(const OutboxRow& row, const std::string& run_id);
  Status Finish(const OutboxRow& row);
  // A start that can never be taken: the row is done and the video FAILED.
  Status RefuseStart(const OutboxRow& row, const std::string& code, const std::string& why);
  // Due again after `delay`.
  Status Postpone(const OutboxRow& row, std::chrono::milliseconds delay, const std::string& why);
  StatusOr<OutboxBacklog> Pending();
  // Drops rows done for longer than `age`; returns how many.
  StatusOr<int64_t> Purge(std::chrono::hours age);

 private:
  Store& store_;
};

}  // namespace vora::metadata
