#pragma once

// Calls that wait for a transaction, carried out in batches by a few threads. What comes while a batch is in the database gathers for the
// next one; a second batch at the same time begins only when the first takes long, or when so much has gathered that it is worth one: so
// batches stay large. Calls of one key are carried out in the order in which they came, and never in two batches at the same time.
// Thread-safe.

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace vora::workflow {

// `Call` has a `key`.
template <typename Call>
class CallQueue {
 public:
  using Batch = std::vector<std::unique_ptr<Call>>;
  // Calls `let_go` once it needs neither the database nor the keys any more; may take calls out of the batch, and answer, after that.
  using CarryOut = std::function<void(Batch&, const std::function<void()>& let_go)>;

  CallQueue(size_t threads, size_t max_batch, size_t max_waiting, CarryOut carry_out)
      : max_batch_(max_batch), max_waiting_(max_waiting), carry_out_(std::move(carry_out)) {
    for (size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { Work(); });
  }
  // Carries out what waits.
  ~CallQueue() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    idle_.notify_all();
    for (auto& thread : threads_) thread.join();
  }
  CallQueue(const CallQueue&) = delete;
  CallQueue& operator=(const CallQueue&) = delete;

  // Gives the call back when as many as may wait do.
  [[nodiscard]] std::unique_ptr<Call> Add(std::unique_ptr<Call> call) {
    const std::lock_guard lock(mutex_);
    if (waiting_.size() >= max_waiting_) return call;
    waiting_.push_back(std::move(call));
    Wake();
    return nullptr;
  }

 private:
  using Clock = std::chrono::steady_clock;
  // A batch that is through within this is waited for.
  static constexpr std::chrono::milliseconds kPatience{5};
  // So many that wait are worth a batch of their own, whatever becomes of the one before.
  static constexpr size_t kEnough = 24;

  // With the mutex held. While one thread looks after the queue the others need not wake.
  void Wake() {
    if (watched_ && carried_out_ > 0 && waiting_.size() < kEnough) return;
    idle_.notify_one();
  }

  void Work() {
    std::unique_lock lock(mutex_);
    while (true) {
      Batch batch = Take(lock);
      if (batch.empty()) return;
      ++carried_out_;
      begun_ = Clock::now();
      lock.unlock();
      bool held = true;
      const auto let_go = [&] {
        if (!std::exchange(held, false)) return;
        const std::lock_guard done(mutex_);
        --carried_out_;
        for (const auto& call : batch) taken_.erase(call->key);
        idle_.notify_one();
      };
      carry_out_(batch, let_go);
      let_go();
      batch.clear();
      lock.lock();
    }
  }

  // Waits until there is a batch that may begin; empty at the end of all.
  Batch Take(std::unique_lock<std::mutex>& lock) {
    while (true) {
      if (waiting_.empty()) {
        if (stopping_) {
          idle_.notify_all();  // those that have waited for a key
          return {};
        }
        idle_.wait(lock);
      } else if (const auto at = begun_ + kPatience; carried_out_ > 0 && Clock::now() < at && !stopping_ && waiting_.size() < kEnough) {
        if (watched_) {
          idle_.wait(lock);
        } else {
          watched_ = true;
          idle_.wait_until(lock, at);
          watched_ = false;
        }
      } else if (Batch batch = TakeFree(); !batch.empty()) {
        // For what is left: this batch may take long.
        if (!waiting_.empty() && !watched_) idle_.notify_one();
        return batch;
      } else {
        idle_.wait(lock);  // for a key
      }
    }
  }

  Batch TakeFree() {
    Batch batch;
    std::deque<std::unique_ptr<Call>> left;
    for (auto& call : waiting_) {
      if (batch.size() < max_batch_ && !taken_.contains(call->key)) {
        batch.push_back(std::move(call));
      } else {
        left.push_back(std::move(call));
      }
    }
    waiting_ = std::move(left);
    for (const auto& call : batch) taken_.insert(call->key);
    return batch;
  }

  const size_t max_batch_, max_waiting_;
  const CarryOut carry_out_;
  std::mutex mutex_;
  std::condition_variable idle_;
  std::deque<std::unique_ptr<Call>> waiting_;
  std::set<std::string> taken_;  // keys of the batches that are carried out
  int carried_out_ = 0;          // batches
  Clock::time_point begun_{};    // the youngest of them
  bool watched_ = false;         // a thread waits for the end of kPatience
  bool stopping_ = false;
  std::vector<std::thread> threads_;  // last: use all of the above
};

}  // namespace vora::workflow
