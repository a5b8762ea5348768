#include "libs/workflow/definition/replay_cache.h"

namespace vora::workflow {

std::unique_ptr<Replayer> ReplayCache::Take(const std::string& run_id, int64_t history_length) {
  std::lock_guard lock(mutex_);
  const auto it = by_run_.find(run_id);
  if (it == by_run_.end()) return nullptr;
  auto replayer = std::move(it->second->replayer);
  entries_.erase(it->second);
  by_run_.erase(it);
  return replayer->history_length() <= history_length ? std::move(replayer) : nullptr;
}

void ReplayCache::Put(const std::string& run_id, std::unique_ptr<Replayer> replayer) {
  std::list<Entry> dropped;  // destroyed outside the lock
  std::lock_guard lock(mutex_);
  if (capacity_ == 0) return;
  if (const auto it = by_run_.find(run_id); it != by_run_.end()) {
    dropped.splice(dropped.begin(), entries_, it->second);
    by_run_.erase(it);
  }
  entries_.push_front({run_id, std::move(replayer)});
  by_run_[run_id] = entries_.begin();
  if (entries_.size() > capacity_) {
    by_run_.erase(entries_.back().run_id);
    dropped.splice(dropped.begin(), entries_, std::prev(entries_.end()));
  }
}

}  // namespace vora::workflow
