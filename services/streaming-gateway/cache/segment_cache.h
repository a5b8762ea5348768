#pragma once

// Published objects in bounded memory. However many clients ask for an object at once, the store is asked once.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "libs/core/clock.h"
#include "libs/core/lru_map.h"
#include "libs/core/status.h"
#include "libs/obs/metrics.h"
#include "libs/run/thread_pool.h"
#include "libs/storage/base/object_store.h"
#include "services/streaming-gateway/cache/cached_object.h"
#include "services/streaming-gateway/cache/provenance.h"

namespace vora::gateway {

struct SegmentCacheOptions {
  int64_t capacity_bytes = 64 << 20;
  size_t fetch_threads = 16;
  size_t max_queued_fetches = 1024;
  // A deleted video's objects are forgotten after this time.
  std::chrono::milliseconds max_age{60'000};
};

// Thread-safe.
class SegmentCache {
 public:
  SegmentCache(storage::ObjectStore& store, SegmentCacheOptions options, const Clock& clock, obs::Metrics& metrics);
  ~SegmentCache();

  struct Lookup {
    std::shared_ptr<CachedObject> object;  // nullptr: too many fetches are waiting
    CacheState state = CacheState::kMiss;  // kHit, kMiss or kCoalesced; kBypass shows only when the object is opened
  };
  // The object, being fetched if it was not there.
  Lookup Get(const std::string& key);
  // The object if it is held or on its way, without fetching it.
  std::shared_ptr<CachedObject> Peek(const std::string& key);
  // Memory of all objects that are held, by the cache or by a client.
  int64_t memory_in_use() const { return memory_in_use_->load(); }
  // Finishes the fetches that are running. Call before the clients' I/O threads go away.
  void Stop();

 private:
  struct Entry {
    std::shared_ptr<CachedObject> object;
    SystemTime fetched;
  };
  void Fetch(const std::string& key, const std::shared_ptr<CachedObject>& object);
  StatusOr<std::unique_ptr<storage::ObjectReader>> Open(const std::string& key, int64_t offset);
  Status Fill(const std::string& key, CachedObject& object, std::unique_ptr<storage::ObjectReader> reader);
  bool Reserve(int64_t bytes);
  void Drop(const std::string& key, const std::shared_ptr<CachedObject>& object);
  std::shared_ptr<CachedObject> Find(const std::string& key);  // with mutex_ held

  storage::ObjectStore& store_;
  const SegmentCacheOptions options_;
  const Clock& clock_;
  obs::Counter& hits_;
  obs::Counter& coalesced_;
  obs::Counter& misses_;
  obs::Counter& bypasses_;
  obs::Counter& origin_fetches_;
  obs::Gauge& bytes_;
  const std::shared_ptr<std::atomic<int64_t>> memory_in_use_ = std::make_shared<std::atomic<int64_t>>(0);
  std::mutex mutex_;
  LruMap<std::string, Entry> entries_;
  ThreadPool pool_;
};

}  // namespace vora::gateway
