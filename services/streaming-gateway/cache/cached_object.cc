#include "services/streaming-gateway/cache/cached_object.h"

#include <functional>
#include <utility>

namespace vora::gateway {
namespace {

Status StoreIsSilent() { return Unavailable("the object store has not answered yet"); }

}  // namespace

CachedObject::CachedObject(std::shared_ptr<std::atomic<int64_t>> memory_in_use) : memory_in_use_(std::move(memory_in_use)) {}

CachedObject::~CachedObject() {
  if (buffer_) memory_in_use_->fetch_sub(info_.size);
}

void CachedObject::Change(const std::function<void()>& change) {
  // A signal fires once, so each change leaves a new one behind. Whoever took the old one under the lock cannot miss the change.
  std::shared_ptr<http::Signal> changed = std::make_shared<http::Signal>();
  {
    std::lock_guard lock(mutex_);
    change();
    changed.swap(changed_);
  }
  changed->Fire();
}

void CachedObject::Begin(storage::ObjectInfo info) {
  // Not zeroed: every byte is read into before it is shown.
  auto buffer = std::make_unique_for_overwrite<char[]>(static_cast<size_t>(info.size));
  Change([&] {
    info_ = std::move(info);
    buffer_ = std::move(buffer);
    state_ = State::kFilling;
  });
}

void CachedObject::Advance(int64_t bytes) {
  Change([&] {
    filled_ += bytes;
    if (!answered_at_) answered_at_ = std::chrono::steady_clock::now();
  });
}

void CachedObject::Bypass(storage::ObjectInfo info) {
  Change([&] {
    info_ = std::move(info);
    state_ = State::kBypass;
  });
}

void CachedObject::Fail(Status status) {
  Change([&] {
    status_ = std::move(status);
    state_ = State::kFailed;
    if (!answered_at_) answered_at_ = std::chrono::steady_clock::now();
  });
}

boost::asio::awaitable<Status> CachedObject::WaitOpen(Deadline deadline) {
  while (true) {
    std::shared_ptr<http::Signal> changed;
    {
      std::lock_guard lock(mutex_);
      if (state_ == State::kFailed) co_return status_;
      if (state_ != State::kOpening) co_return absl::OkStatus();
      changed = changed_;
    }
    const bool known = co_await changed->Wait(deadline);
    if (!known) co_return StoreIsSilent();
  }
}

bool CachedObject::bypassed() const {
  std::lock_guard lock(mutex_);
  return state_ == State::kBypass;
}

boost::asio::awaitable<StatusOr<std::string_view>> CachedObject::WaitBytes(int64_t offset, Deadline deadline) {
  while (true) {
    std::shared_ptr<http::Signal> changed;
    {
      std::lock_guard lock(mutex_);
      // First what is there: bytes that arrived before a failure are as good as any.
      if (filled_ > offset) co_return std::string_view(buffer_.get() + offset, static_cast<size_t>(filled_ - offset));
      if (state_ != State::kFilling) co_return status_.ok() ? Internal("object has no such byte") : status_;
      changed = changed_;
    }
    const bool known = co_await changed->Wait(deadline);
    if (!known) co_return StoreIsSilent();
  }
}

std::optional<std::chrono::steady_clock::time_point> CachedObject::answered_at() const {
  std::lock_guard lock(mutex_);
  return answered_at_;
}

bool CachedObject::complete() const {
  std::lock_guard lock(mutex_);
  return state_ == State::kFilling && filled_ == info_.size;
}

}  // namespace vora::gateway
