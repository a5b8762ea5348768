#pragma once

// What is kept between calls for its connections. Thread-safe.

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace vora::curl {

template <typename T>
class Pool {
 public:
  explicit Pool(size_t most_idle) : most_idle_(most_idle) {}

  // The one that was given back last, whose connection is the likeliest to live; a new one when none is idle.
  std::unique_ptr<T> Borrow() {
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        auto kept = std::move(idle_.back());
        idle_.pop_back();
        return kept;
      }
    }
    return std::make_unique<T>();
  }

  void Return(std::unique_ptr<T> used) {
    const std::lock_guard lock(mutex_);
    if (idle_.size() < most_idle_) idle_.push_back(std::move(used));
  }

 private:
  const size_t most_idle_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace vora::curl
