#include "services/upload/receive/upload_locks.h"

#include <thread>
#include <utility>
#include <vector>

namespace vora::upload {

UploadLocks::Lease& UploadLocks::Lease::operator=(Lease&& other) noexcept {
  if (this == &other) return *this;
  Release();
  locks_ = std::exchange(other.locks_, nullptr);
  upload_id_ = std::move(other.upload_id_);
  token_ = other.token_;
  took_over_ = other.took_over_;
  return *this;
}

Status UploadLocks::Lease::Attach(std::shared_ptr<UploadSession> session) {
  if (!locks_) return Aborted("the upload is not held");
  std::lock_guard lock(locks_->mutex_);
  auto found = locks_->entries_.find(upload_id_);
  // Another token: a newer request has taken the upload over, and the entry is its own.
  bool ours = found != locks_->entries_.end() && found->second.token == token_;
  if (!ours || found->second.waiting > 0) return Aborted("a newer request has taken the upload over");
  found->second.session = std::move(session);
  return {};
}

void UploadLocks::Lease::Release() {
  UploadLocks* locks = std::exchange(locks_, nullptr);
  if (!locks) return;
  std::lock_guard lock(locks->mutex_);
  auto found = locks->entries_.find(upload_id_);
  if (found == locks->entries_.end() || found->second.token != token_) return;
  locks->entries_.erase(found);
  locks->released_.notify_all();
}

std::optional<UploadLocks::Lease> UploadLocks::TryAcquire(const std::string& upload_id) {
  std::lock_guard lock(mutex_);
  if (entries_.contains(upload_id)) return std::nullopt;
  return Take(upload_id, /*took_over=*/false);
}

StatusOr<UploadLocks::Lease> UploadLocks::Acquire(const std::string& upload_id, std::chrono::milliseconds patience, bool drop) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  bool took_over = false;
  std::unique_lock lock(mutex_);
  for (;;) {
    auto found = entries_.find(upload_id);
    if (found == entries_.end()) break;
    Entry& entry = found->second;
    const uint64_t token = entry.token;
    if (std::shared_ptr<UploadSession> session = entry.session) {
      // Without the lock, since closing waits for the store.
      lock.unlock();
      session->Close(drop ? Ending::kDiscard : Ending::kBroken);
      lock.lock();
      // A closed session cannot touch the upload any more, even if its request still waits for bytes.
      auto again = entries_.find(upload_id);
      if (again != entries_.end() && again->second.token == token) {
        entries_.erase(again);
        took_over = true;
        released_.notify_all();
      }
      continue;
    }
    ++entry.waiting;
    bool free = released_.wait_until(lock, deadline, [&] {
      auto again = entries_.find(upload_id);
      // A session that is attached now can be closed instead of waited for.
      return again == entries_.end() || again->second.token != token || again->second.session;
    });
    auto again = entries_.find(upload_id);
    if (again != entries_.end() && again->second.token == token) --again->second.waiting;
    if (!free) return Aborted("another request is working on the upload");
  }
  return Take(upload_id, took_over);
}

UploadLocks::Lease UploadLocks::Take(const std::string& upload_id, bool took_over) {
  Lease lease;
  lease.locks_ = this;
  lease.upload_id_ = upload_id;
  lease.token_ = entries_[upload_id].token = next_token_++;
  lease.took_over_ = took_over;
  return lease;
}

void UploadLocks::CloseAll() {
  std::vector<std::shared_ptr<UploadSession>> sessions;
  {
    std::lock_guard lock(mutex_);
    for (auto& [id, entry] : entries_) {
      if (entry.session) sessions.push_back(entry.session);
    }
  }
  // Side by side: each waits for the store, and together they have to fit into the time a shutdown has.
  std::vector<std::thread> closing;
  for (const std::shared_ptr<UploadSession>& session : sessions) closing.emplace_back([&session] { session->Close(Ending::kBroken); });
  for (std::thread& thread : closing) thread.join();
}

}  // namespace vora::upload
