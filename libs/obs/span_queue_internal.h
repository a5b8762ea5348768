#pragma once

// Between those who record spans and the thread that sends them.

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <vector>

#include "libs/obs/span.h"

namespace vora::obs {

// Bounded; what does not fit is dropped and counted. Thread-safe.
class SpanQueue {
 public:
  // The process's. Nothing is taken until Open.
  static SpanQueue& Instance();

  bool open() const { return open_.load(std::memory_order_relaxed); }
  void Open(Counter& dropped);
  // What is left stays to be taken; nothing more comes.
  void Close();
  void Push(SpanRecord span);
  // Waits until there are `batch` spans, the time is up or the queue is closed; then takes up to `batch`.
  std::vector<SpanRecord> Take(size_t batch, std::chrono::milliseconds time);
  // Waits in vain for `time`; false at once when the queue is closed.
  bool Pause(std::chrono::milliseconds time);

 private:
  static constexpr size_t kMaxSpans = 8192;
  std::atomic<bool> open_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<SpanRecord> spans_;
  Counter* dropped_ = nullptr;
  size_t wake_at_ = 1;
};

}  // namespace vora::obs
