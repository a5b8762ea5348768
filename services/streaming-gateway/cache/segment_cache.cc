#include "services/streaming-gateway/cache/segment_cache.h"

#include <algorithm>
#include <utility>

#include "libs/log/log.h"
#include "libs/run/retry.h"
#include "services/streaming-gateway/metrics.h"

namespace vora::gateway {
namespace {

constexpr int64_t kReadBytes = 256 << 10;
// Short: a client is waiting, and the edge may have a stale copy.
const RetryOptions kOriginRetry{.max_attempts = 3, .initial = std::chrono::milliseconds(50), .max = std::chrono::milliseconds(500)};

}  // namespace

SegmentCache::SegmentCache(storage::ObjectStore& store, SegmentCacheOptions options, const Clock& clock, obs::Metrics& metrics)
    : store_(store),
      options_(options),
      clock_(clock),
      hits_(kCacheRequests.In(metrics, {"hit"})),
      coalesced_(kCacheRequests.In(metrics, {"coalesced"})),
      misses_(kCacheRequests.In(metrics, {"miss"})),
      bypasses_(kCacheRequests.In(metrics, {"bypass"})),
      origin_fetches_(kOriginFetches.In(metrics)),
      bytes_(kCacheBytes.In(metrics)),
      pool_("origin", options.fetch_threads, options.max_queued_fetches) {
  kCacheCapacity.In(metrics).Set(static_cast<double>(options.capacity_bytes));
}

SegmentCache::~SegmentCache() { Stop(); }

void SegmentCache::Stop() { pool_.Stop(); }

std::shared_ptr<CachedObject> SegmentCache::Find(const std::string& key) {
  Entry* const entry = entries_.Use(key);
  if (entry == nullptr) return nullptr;
  if (clock_.Now() - entry->fetched <= options_.max_age) return entry->object;
  entries_.Take(key);
  return nullptr;
}

std::shared_ptr<CachedObject> SegmentCache::Peek(const std::string& key) {
  std::lock_guard lock(mutex_);
  return Find(key);
}

SegmentCache::Lookup SegmentCache::Get(const std::string& key) {
  std::shared_ptr<CachedObject> object;
  {
    std::lock_guard lock(mutex_);
    if (auto found = Find(key)) {
      const bool hit = found->complete();
      (hit ? hits_ : coalesced_).Increment();
      return {std::move(found), hit ? CacheState::kHit : CacheState::kCoalesced};
    }
    // In the cache before it is fetched, so that whoever comes meanwhile joins.
    object = std::make_shared<CachedObject>(memory_in_use_);
    entries_.Insert(key, {object, clock_.Now()});
  }
  misses_.Increment();
  if (pool_.TrySubmit([this, key, object] { Fetch(key, object); })) return {std::move(object), CacheState::kMiss};
  // Others may have joined in the meantime, and must not wait for ever.
  Drop(key, object);
  object->Fail(ResourceExhausted("too many objects are being fetched"));
  return {};
}

void SegmentCache::Fetch(const std::string& key, const std::shared_ptr<CachedObject>& object) {
  auto reader = Open(key, 0);
  if (!reader.ok()) {
    // Out of the cache before anybody is told: who asks after that must not find it.
    Drop(key, object);
    object->Fail(reader.status());
    return;
  }
  const storage::ObjectInfo info = (*reader)->info();
  if (!Reserve(info.size)) {
    bypasses_.Increment();
    Drop(key, object);
    object->Bypass(info);
    return;
  }
  object->Begin(info);
  if (const Status status = Fill(key, *object, *std::move(reader)); !status.ok()) {
    log::Warn("object fetch failed midway", {{"key", key}, {"error", ToText(status)}});
    Drop(key, object);
    object->Fail(status);
  }
}

StatusOr<std::unique_ptr<storage::ObjectReader>> SegmentCache::Open(const std::string& key, int64_t offset) {
  std::unique_ptr<storage::ObjectReader> reader;
  const Status status = RetryIdempotent(kOriginRetry, [&] {
    origin_fetches_.Increment();
    auto opened = store_.Open(key, offset);
    if (opened.ok()) reader = *std::move(opened);
    return opened.status();
  });
  if (status.ok()) return reader;
  // A local store whose folder is gone knows no object either: that must not look like a missing one.
  if (status.code() == StatusCode::kNotFound) VORA_RETURN_IF_ERROR(store_.Ping());
  return status;
}

Status SegmentCache::Fill(const std::string& key, CachedObject& object, std::unique_ptr<storage::ObjectReader> reader) {
  const int64_t size = object.info().size;
  int64_t filled = 0;
  bool resumed = false;
  while (filled < size) {
    const auto got = reader->Read(object.buffer() + filled, static_cast<size_t>(std::min(kReadBytes, size - filled)));
    if (got.ok() && *got > 0) {
      filled += static_cast<int64_t>(*got);
      object.Advance(static_cast<int64_t>(*got));
      resumed = false;
      continue;
    }
    const Status problem = got.ok() ? DataLoss("object is shorter than its size") : got.status();
    // A second break without a byte in between is a store that does not work.
    if (resumed || !IsTransient(problem)) return problem;
    // Objects are immutable, so the rest of it may come from another request.
    VORA_ASSIGN_OR_RETURN(reader, Open(key, filled));
    if (reader->info().etag != object.info().etag) return DataLoss("object changed while it was read");
    resumed = true;
  }
  return absl::OkStatus();
}

bool SegmentCache::Reserve(int64_t bytes) {
  std::lock_guard lock(mutex_);
  entries_.Sweep([&](const std::string&, const Entry& entry) {
    if (memory_in_use_->load() + bytes <= options_.capacity_bytes) return LruVerdict::kStop;
    // What a client still reads would not free memory.
    return entry.object.use_count() > 1 ? LruVerdict::kKeep : LruVerdict::kDrop;
  });
  if (memory_in_use_->load() + bytes > options_.capacity_bytes) return false;
  // Under the lock, so that two objects cannot both take the last room.
  bytes_.Set(static_cast<double>(memory_in_use_->fetch_add(bytes) + bytes));
  return true;
}

void SegmentCache::Drop(const std::string& key, const std::shared_ptr<CachedObject>& object) {
  std::lock_guard lock(mutex_);
  const Entry* const entry = entries_.Peek(key);
  // Another fetch of this key may have taken its place.
  if (entry != nullptr && entry->object == object) entries_.Take(key);
}

}  // namespace vora::gateway
