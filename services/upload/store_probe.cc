#include "services/upload/store_probe.h"

#include <utility>

#include "libs/log/log.h"

namespace vora::upload {

Status StoreProbe::CheckConditional() {
  Status checked = storage::CheckStore(store_, "raw", metrics_);
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
  interval_ = interval;
  on_unsafe_ = std::move(on_unsafe);
  thread_.Start(interval);
  return {};
}

void StoreProbe::Look() {
  Status pinged = store_.Ping();
  // A store that was away at the start is asked as soon as it answers.
  Status safe = pinged.ok() && !conditional_known_ ? CheckConditional() : Status();
  if (!safe.ok() && on_unsafe_) on_unsafe_(safe);
  std::lock_guard lock(mutex_);
  if (pinged.ok() != last_.ok()) {
    log::Warn(pinged.ok() ? "object store answers again" : "object store does not answer", {{"error", ToText(pinged)}});
  }
  last_ = pinged;
}

Status StoreProbe::Last() {
  std::lock_guard lock(mutex_);
  return last_;
}

}  // namespace vora::upload
