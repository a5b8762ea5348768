#pragma once

// Delivery records on their way to the analytics, beside playback and never in its way: a bounded queue in memory, and one thread that
// sends. Best effort: what does not fit, what ingest refuses and what is left when the daemon ends is dropped and counted. A batch whose
// answer was lost is sent again, the same to the nanosecond, so a record may arrive twice.

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "services/streaming-gateway/records/delivery.h"

namespace vora::gateway {

// Sends one batch, for at most `timeout`; returns how many were accepted.
using DeliverySender = std::function<StatusOr<int64_t>(const std::vector<Delivery>& batch, std::chrono::milliseconds timeout)>;

// Calls AnalyticsIngest.RecordDeliveries at `target` (host:port).
DeliverySender AnalyticsSender(const std::string& target);

struct DeliveryLogOptions {
  DeliverySender send;                      // empty: nothing is recorded, and there is no thread
  size_t capacity = 20'000;                 // records that wait or are being sent
  size_t max_batch = 1000;                  // a batch is sent when it is full,
  std::chrono::milliseconds interval{500};  // or when this has passed since the last one
  std::chrono::milliseconds send_timeout{1000};
  std::chrono::milliseconds slow_origin{1000};  // see DeliveryOf
};

// Thread-safe.
class DeliveryLog {
 public:
  DeliveryLog(DeliveryLogOptions options, obs::Metrics& metrics);
  ~DeliveryLog();  // Stop(0)
  DeliveryLog(const DeliveryLog&) = delete;
  DeliveryLog& operator=(const DeliveryLog&) = delete;

  bool enabled() const { return static_cast<bool>(options_.send); }
  std::chrono::milliseconds slow_origin() const { return options_.slow_origin; }
  // Costs an append under a lock that nobody holds for long; never waits for ingest.
  void Add(Delivery delivery);
  // Sends what waits, for at most `budget` or what is left of the call that is running, whichever is longer. Safe to call twice.
  void Stop(std::chrono::milliseconds budget);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  void Run();
  std::vector<Delivery> Take();                   // empty: it is over
  bool Send(const std::vector<Delivery>& batch);  // false: there is no point in going on
  bool Stopping(std::chrono::milliseconds* left);
  void CountOutcome(size_t batch, int64_t accepted);
  void NoteFailure(const Status& failure);

  const DeliveryLogOptions options_;
  obs::Counter& sent_;
  obs::Counter& full_;
  obs::Counter& refused_;
  obs::Counter& unsent_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::vector<Delivery>> full_batches_;
  std::vector<Delivery> filling_;
  size_t held_ = 0;
  bool stopping_ = false;
  SteadyTime stop_by_;
  bool failing_ = false;  // of the thread alone
  std::thread thread_;    // last: uses all of the above
};

}  // namespace vora::gateway
