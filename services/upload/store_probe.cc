#include "services/upload/store_probe.h"

#include <pthread.h>

#include "libs/log/log.h"

namespace vora::upload {

Status StoreProbe::CheckConditional() {
  Status checked = storage::CheckConditionalPut(store_);
  if (checked.ok()) {
    conditional_known_ = true;
    return {};
  }
  if (checked.code() != StatusCode::kFailedPrecondition) {
    log::Warn("object store does not answer yet", {{"store", store_.Describe()}, {"error", ToText(checked)}});
    return {};
  }
  conditional_known_ = true;
  log::Error(
      "the object store does not honour conditional writes: two replicas, or a replica and its own zombie, could both continue one "
      "upload and the later write would silently replace acknowledged bytes",
      {{"store", store_.Describe()}, {"error", ToText(checked)}, {"allowed", allow_unsafe_}});
  if (allow_unsafe_) return {};
  return FailedPrecondition(Message(checked) + "; use another store, or set VORA_STORAGE_ALLOW_UNSAFE=true and run a single replica");
}

Status StoreProbe::Start(std::chrono::milliseconds interval, std::function<void(Status)> on_unsafe) {
  VORA_RETURN_IF_ERROR(CheckConditional());
  last_ = store_.Ping();
  thread_ = std::thread([this, interval, on_unsafe = std::move(on_unsafe)] {
    pthread_setname_np(pthread_self(), "upload-probe");
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, interval, [this] { return stopping_; })) {
      lock.unlock();
      Status pinged = store_.Ping();
      Status safe = pinged.ok() && !conditional_known_ ? CheckConditional() : Status();
      if (!safe.ok() && on_unsafe) on_unsafe(safe);
      lock.lock();
      if (pinged.ok() != last_.ok()) {
        log::Warn(pinged.ok() ? "object store answers again" : "object store does not answer", {{"error", ToText(pinged)}});
      }
      last_ = pinged;
    }
  });
  return {};
}

void StoreProbe::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Status StoreProbe::Last() {
  std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace vora::upload
