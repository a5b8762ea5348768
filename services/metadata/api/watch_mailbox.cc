#include "services/metadata/api/watch_mailbox.h"

#include <utility>

namespace vora::metadata {

void WatchMailbox::OnClosed() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  // Without the lock: the reactor takes from the mailbox inside this call.
  wake_();
}

void WatchMailbox::Put(const Change& change) {
  {
    const std::lock_guard lock(mutex_);
    const auto [known, added] = changes_.try_emplace(change.video_id, change);
    if (added) {
      order_.push_back(change.video_id);
    } else if (!change.video || (known->second.video && known->second.video->version() < change.video->version())) {
      // A first state that was loaded and the changes of the feed come in any order: the newer stays, and a deletion ends all.
      known->second = change;
    }
  }
  wake_();
}

std::optional<Change> WatchMailbox::Take() {
  const std::lock_guard lock(mutex_);
  if (order_.empty()) return std::nullopt;
  auto node = changes_.extract(order_.front());
  order_.pop_front();
  return std::move(node.mapped());
}

bool WatchMailbox::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace vora::metadata
