#include "services/streaming-gateway/records/delivery_log.h"

#include <algorithm>
#include <utility>

#include "libs/log/log.h"
#include "libs/run/retry.h"
#include "services/streaming-gateway/metrics.h"

namespace vora::gateway {
namespace {

using std::chrono::milliseconds;

constexpr RetryOptions kBackoff{.initial = milliseconds(250), .max = milliseconds(5000)};

}  // namespace

DeliveryLog::DeliveryLog(DeliveryLogOptions options, obs::Metrics& metrics)
    : options_(std::move(options)),
      sent_(kRecordsSent.In(metrics)),
      full_(kRecordsDropped.In(metrics, {"queue_full"})),
      refused_(kRecordsDropped.In(metrics, {"refused"})),
      unsent_(kRecordsDropped.In(metrics, {"shutdown"})) {
  if (!enabled()) return;
  filling_.reserve(options_.max_batch);
  thread_ = std::thread([this] { Run(); });
}

DeliveryLog::~DeliveryLog() { Stop(milliseconds(0)); }

void DeliveryLog::Add(Delivery delivery) {
  bool batch_is_full = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || held_ >= options_.capacity) {
      // Dropped and counted: playback never waits for analytics.
      (stopping_ ? unsent_ : full_).Increment();
      return;
    }
    ++held_;
    filling_.push_back(std::move(delivery));
    if (filling_.size() >= options_.max_batch) {
      full_batches_.push_back(std::move(filling_));
      filling_.clear();
      filling_.reserve(options_.max_batch);
      batch_is_full = true;
    }
  }
  if (batch_is_full) wake_.notify_one();
}

void DeliveryLog::Stop(milliseconds budget) {
  {
    const std::lock_guard lock(mutex_);
    if (!stopping_) stop_by_ = std::chrono::steady_clock::now() + budget;
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void DeliveryLog::Run() {
  for (std::vector<Delivery> batch = Take(); !batch.empty(); batch = Take()) {
    if (!Send(batch)) break;
  }
  const std::lock_guard lock(mutex_);
  unsent_.Increment(static_cast<double>(held_));
  held_ = 0;
  full_batches_.clear();
  filling_.clear();
}

std::vector<Delivery> DeliveryLog::Take() {
  std::unique_lock lock(mutex_);
  do {
    wake_.wait_for(lock, options_.interval, [this] { return stopping_ || !full_batches_.empty(); });
  } while (!stopping_ && held_ == 0);
  std::vector<Delivery> batch;
  if (!full_batches_.empty()) {
    batch = std::move(full_batches_.front());
    full_batches_.pop_front();
  } else if (!filling_.empty()) {
    batch.reserve(options_.max_batch);
    batch.swap(filling_);
  }
  return batch;
}

bool DeliveryLog::Stopping(milliseconds* left) {
  const std::lock_guard lock(mutex_);
  *left = std::chrono::duration_cast<milliseconds>(stop_by_ - std::chrono::steady_clock::now());
  return stopping_;
}

bool DeliveryLog::Send(const std::vector<Delivery>& batch) {
  for (int attempt = 1;; ++attempt) {
    milliseconds left{0}, timeout = options_.send_timeout;
    const bool last = Stopping(&left);
    if (last && left <= milliseconds(0)) return false;
    if (last) timeout = std::min(timeout, left);
    const StatusOr<int64_t> accepted = options_.send(batch, timeout);
    if (accepted.ok()) {
      if (failing_) log::Info("delivery records are accepted again", {});
      failing_ = false;
      CountOutcome(batch.size(), *accepted);
      return true;
    }
    NoteFailure(accepted.status());
    // A daemon that stops has no time to wait for another try.
    if (last) return false;
    // What is refused once is refused again.
    if (!IsTransient(accepted.status())) {
      CountOutcome(batch.size(), 0);
      return true;
    }
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, BackoffDelay(kBackoff, attempt, accepted.status()), [this] { return stopping_; });
  }
}

void DeliveryLog::CountOutcome(size_t batch, int64_t accepted) {
  const size_t taken = std::min(batch, static_cast<size_t>(std::max<int64_t>(accepted, 0)));
  sent_.Increment(static_cast<double>(taken));
  refused_.Increment(static_cast<double>(batch - taken));
  const std::lock_guard lock(mutex_);
  held_ -= batch;
}

// Once per outage: a dead ingest must not fill the gateway's log.
void DeliveryLog::NoteFailure(const Status& failure) {
  if (!failing_) log::Warn("delivery records are not accepted", {{"error", ToText(failure)}});
  failing_ = true;
}

}  // namespace vora::gateway
