#include "libs/workflow/definition/replay_cache.h"

#include <optional>
#include <vector>

namespace vora::workflow {

std::unique_ptr<Replayer> ReplayCache::Take(const std::string& run_id, int64_t history_length) {
  const std::lock_guard lock(mutex_);
  // Taken out, not lent: a replayer serves one thread, and one whose transition is rolled back must not be found here again. Replay only
  // goes forward, so one that knows more than the history is of no use.
  auto entry = Remove(run_id);
  if (history_length == 0) return nullptr;  // a new run: there was nothing to find
  const bool hit = entry && entry->replayer->history_length() <= history_length;
  ++(hit ? uses_.hits : uses_.misses);
  return hit ? std::move(entry->replayer) : nullptr;
}

int64_t ReplayCache::Seen(const std::string& run_id) {
  const std::lock_guard lock(mutex_);
  const auto* entry = by_run_.Peek(run_id);
  return entry ? entry->replayer->history_length() : 0;
}

void ReplayCache::Put(const std::string& run_id, std::unique_ptr<Replayer> replayer) {
  const size_t bytes = replayer->Bytes() + run_id.size() + kEntryBytes;
  std::vector<Entry> forgotten;  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  if (auto replaced = Remove(run_id)) forgotten.push_back(std::move(*replaced));
  by_run_.Insert(run_id, {std::move(replayer), bytes});
  uses_.bytes += bytes;
  while (uses_.bytes > capacity_) {
    forgotten.push_back(*by_run_.TakeOldest());
    uses_.bytes -= forgotten.back().bytes;
  }
}

void ReplayCache::Drop(const std::string& run_id) {
  std::optional<Entry> dropped;  // destroyed outside the lock
  const std::lock_guard lock(mutex_);
  dropped = Remove(run_id);
}

ReplayCache::Uses ReplayCache::uses() const {
  const std::lock_guard lock(mutex_);
  return uses_;
}

std::optional<ReplayCache::Entry> ReplayCache::Remove(const std::string& run_id) {
  auto entry = by_run_.Take(run_id);
  if (entry) uses_.bytes -= entry->bytes;
  return entry;
}

}  // namespace vora::workflow
