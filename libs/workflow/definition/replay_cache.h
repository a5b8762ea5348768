#pragma once

// Live replayers kept between transitions, so that a transition reads only events that are new to this process. Only a shortcut: an entry
// has seen a committed beginning of an append-only history, and is brought up to date before use; everything can be dropped at any time.

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "libs/core/lru_map.h"
#include "libs/workflow/definition/replayer.h"

namespace vora::workflow {

class ReplayCache {
 public:
  // The entries used longest ago go when all of them hold more than `capacity` bytes, by Replayer::Bytes. 0: nothing is kept.
  explicit ReplayCache(size_t capacity) : capacity_(capacity) {}
  // Takes the entry out; nullptr when there is none that has seen at most `history_length` events.
  std::unique_ptr<Replayer> Take(const std::string& run_id, int64_t history_length);
  // How many events the entry has seen; 0 without one.
  int64_t Seen(const std::string& run_id);
  // Only after the commit of the transition that brought it here.
  void Put(const std::string& run_id, std::unique_ptr<Replayer> replayer);
  // The run has closed.
  void Drop(const std::string& run_id);

  struct Uses {
    size_t bytes = 0;              // held now
    int64_t hits = 0, misses = 0;  // of Take; new runs are neither
  };
  Uses uses() const;

 private:
  struct Entry {
    std::unique_ptr<Replayer> replayer;
    size_t bytes = 0;
  };
  // Of the map, its list and the allocator, for each entry.
  static constexpr size_t kEntryBytes = 250;
  std::optional<Entry> Remove(const std::string& run_id);

  const size_t capacity_;
  mutable std::mutex mutex_;
  LruMap<std::string, Entry> by_run_;
  Uses uses_;
};

}  // namespace vora::workflow
