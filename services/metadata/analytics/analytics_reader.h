#pragma once

// Reads from ClickHouse for people who wait: a few requests at a time, each within one time limit, so that a slow or absent ClickHouse
// costs only those who ask for analytics. Thread-safe.

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "libs/clickhouse/client.h"
#include "libs/core/status.h"
#include "services/metadata/analytics/analytics_rows.h"

namespace vora::metadata {

struct ReaderLimits {
  int at_once = 4;
  int waiting = 4;                      // beyond it: refused at once
  std::chrono::milliseconds wait{500};  // for one of the places
};

class AnalyticsReader {
 public:
  // `options.url` empty: not configured.
  explicit AnalyticsReader(clickhouse::Options options, ReaderLimits limits = {});
  ~AnalyticsReader();

  bool configured() const { return client_ != nullptr; }

  // One request's place and time. Must not outlive the reader.
  class Turn {
   public:
    Turn(Turn&& other) noexcept : reader_(std::exchange(other.reader_, nullptr)), deadline_(other.deadline_) {}
    Turn& operator=(Turn&&) = delete;
    ~Turn();
    // No rows where the tables do not exist yet. UNAVAILABLE, with a message for people: away, slow, overloaded.
    StatusOr<std::vector<AnalyticsRow>> Read(const std::string& sql, size_t columns);
    StatusOr<RowsWithTotals> ReadWithTotals(const std::string& sql, size_t columns);

   private:
    friend class AnalyticsReader;
    StatusOr<std::string> Ask(const std::string& sql);
    Turn(AnalyticsReader* reader, std::chrono::steady_clock::time_point deadline) : reader_(reader), deadline_(deadline) {}
    AnalyticsReader* reader_;
    std::chrono::steady_clock::time_point deadline_;
  };
  // UNAVAILABLE: not configured, or too many ask.
  StatusOr<Turn> Begin();
  // For shutting down: what is under way ends within a second, and so does what comes.
  void Interrupt();

 private:
  void Leave();
  const ReaderLimits limits_;
  const std::chrono::milliseconds timeout_;
  std::unique_ptr<clickhouse::Client> client_;  // nullptr: not configured
  std::mutex mutex_;
  std::condition_variable left_;
  int running_ = 0, waiting_ = 0;
};

// The status as people are to read it: "analytics are not available right now: <why>; playback and collecting go on".
Status AnalyticsAway(std::string_view why);

}  // namespace vora::metadata
