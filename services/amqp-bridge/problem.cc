#include "services/amqp-bridge/problem.h"

#include "libs/log/log.h"

namespace vora::amqp {

void Problem::Set(const std::string& why) {
  const std::lock_guard lock(mutex_);
  if (text_ == why) return;
  text_ = why;
  log::Warn(subject_ + " cannot be used now; it is tried again until it can", {{"reason", why}});
}

void Problem::Clear() {
  const std::lock_guard lock(mutex_);
  if (text_.empty()) return;
  text_.clear();
  log::Info(subject_ + " can be used");
}

Status Problem::Health() const {
  const std::lock_guard lock(mutex_);
  return text_.empty() ? absl::OkStatus() : Unavailable(subject_ + ": " + text_);
}

}  // namespace vora::amqp
