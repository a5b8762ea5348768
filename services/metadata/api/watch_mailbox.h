#pragma once

// What one watcher has not taken yet: bounded by the number of videos, since a newer version replaces an older one.

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "services/metadata/videos/watch_hub.h"

namespace vora::metadata {

class WatchMailbox : public WatchHub::Watcher {
 public:
  // `wake` is called without locks, on any thread, when there is something new to take.
  explicit WatchMailbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  void OnChange(const Change& change) override { Put(change); }
  void OnClosed() override;
  // In the order videos first changed; nullopt when empty.
  std::optional<Change> Take();
  bool closed() const;
  void Put(const Change& change);

 private:
  const std::function<void()> wake_;
  mutable std::mutex mutex_;
  std::deque<std::string> order_;
  std::map<std::string, Change> changes_;
  bool closed_ = false;
};

}  // namespace vora::metadata
