#pragma once

// Live replayers kept between transitions, so that a transition reads only events that are new to this process. Only a shortcut: an entry
// has seen a committed beginning of an append-only history, and is brought up to date before use; everything can be dropped at any time.

#include <memory>
#include <mutex>
#include <string>

#include "libs/core/lru_map.h"
#include "libs/workflow/definition/replayer.h"

namespace vora::workflow {

class ReplayCache {
 public:
  explicit ReplayCache(size_t capacity) : capacity_(capacity) {}
  // Takes the entry out; nullptr when there is none that has seen at most `history_length` events.
  std::unique_ptr<Replayer> Take(const std::string& run_id, int64_t history_length);
  // How many events the entry has seen; 0 without one.
  int64_t Seen(const std::string& run_id);
  // Only after the commit of the transition that brought it here.
  void Put(const std::string& run_id, std::unique_ptr<Replayer> replayer);

 private:
  const size_t capacity_;
  std::mutex mutex_;
  LruMap<std::string, std::unique_ptr<Replayer>> by_run_;
};

}  // namespace vora::workflow
