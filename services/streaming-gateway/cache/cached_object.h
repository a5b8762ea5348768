#pragma once

// One object on its way from the store into memory: filled once by an origin fetch, read by many clients while it grows.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "libs/core/status.h"
#include "libs/http/server/signal.h"
#include "libs/storage/base/object_store.h"

namespace vora::gateway {

// Thread-safe. One thread fills, any number of coroutines read.
class CachedObject {
 public:
  // Gives its bytes back to `memory_in_use` when the last holder lets go.
  explicit CachedObject(std::shared_ptr<std::atomic<int64_t>> memory_in_use);
  ~CachedObject();
  CachedObject(const CachedObject&) = delete;
  CachedObject& operator=(const CachedObject&) = delete;

  // Filling side. `Begin` expects that info.size bytes were already added to memory_in_use.
  void Begin(storage::ObjectInfo info);
  char* buffer() { return buffer_.get(); }
  void Advance(int64_t bytes);            // so many more bytes of buffer() are valid
  void Bypass(storage::ObjectInfo info);  // no memory for it: readers go to the store themselves
  void Fail(Status status);

  using Deadline = std::optional<std::chrono::steady_clock::time_point>;
  // Waits until the object is known: OK, then info() is valid; or the failure of the fetch. UNAVAILABLE when it is not known by `deadline`.
  boost::asio::awaitable<Status> WaitOpen(Deadline deadline = std::nullopt);
  // Valid after WaitOpen was OK.
  const storage::ObjectInfo& info() const { return info_; }
  bool bypassed() const;
  // Bytes from `offset` (< info().size) on: at least one, waiting for it if need be; they stay valid as long as the object.
  boost::asio::awaitable<StatusOr<std::string_view>> WaitBytes(int64_t offset, Deadline deadline = std::nullopt);
  // When the store had given the first byte, or the fetch had failed; nothing before that.
  std::optional<std::chrono::steady_clock::time_point> answered_at() const;
  // True when every byte is there.
  bool complete() const;

 private:
  enum class State { kOpening, kFilling, kBypass, kFailed };
  void Change(const std::function<void()>& change);

  const std::shared_ptr<std::atomic<int64_t>> memory_in_use_;
  mutable std::mutex mutex_;
  State state_ = State::kOpening;
  Status status_;
  storage::ObjectInfo info_;
  std::unique_ptr<char[]> buffer_;
  int64_t filled_ = 0;
  std::optional<std::chrono::steady_clock::time_point> answered_at_;
  std::shared_ptr<http::Signal> changed_ = std::make_shared<http::Signal>();
};

}  // namespace vora::gateway
