#include "libs/workflow/definition/replay_cache.h"

#include <optional>

namespace vora::workflow {

std::unique_ptr<Replayer> ReplayCache::Take(const std::string& run_id, int64_t history_length) {
  const std::lock_guard lock(mutex_);
  // Taken out, not lent: a replayer serves one thread, and one whose transition is rolled back must not be found here again. Replay only
  // goes forward, so one that knows more than the history is of no use.
  auto replayer = by_run_.Take(run_id);
  return replayer && (*replayer)->history_length() <= history_length ? *std::move(replayer) : nullptr;
}

int64_t ReplayCache::Seen(const std::string& run_id) {
  const std::lock_guard lock(mutex_);
  const auto* replayer = by_run_.Peek(run_id);
  return replayer ? (*replayer)->history_length() : 0;
}

void ReplayCache::Put(const std::string& run_id, std::unique_ptr<Replayer> replayer) {
  if (capacity_ == 0) return;
  std::optional<std::unique_ptr<Replayer>> replaced, forgotten;  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  replaced = by_run_.Take(run_id);
  if (by_run_.size() >= capacity_) forgotten = by_run_.TakeOldest();
  by_run_.Insert(run_id, std::move(replayer));
}

}  // namespace vora::workflow
