#pragma once

// A sized pool for blocking work with a bounded queue.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace vora {

class ThreadPool {
 public:
  // `name` shows in `top -H` (15 characters).
  ThreadPool(std::string name, size_t threads, size_t max_queue);
  ~ThreadPool();  // Stop()
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  // False when the queue is full or the pool is stopping: say so to the caller (503), do not wait.
  [[nodiscard]] bool TrySubmit(std::function<void()> work);
  // Runs what is queued, then joins. Safe to call twice.
  void Stop();
  size_t queued() const;

 private:
  void Run();
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  size_t max_queue_;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace vora
