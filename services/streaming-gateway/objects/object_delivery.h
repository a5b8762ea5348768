#pragma once

// Sends published objects to clients.

#include <memory>
#include <string>

#include "libs/core/status.h"
#include "libs/http/server/server.h"
#include "libs/obs/metrics.h"
#include "libs/storage/base/object_store.h"
#include "services/streaming-gateway/cache/segment_cache.h"

namespace vora::gateway {

struct ObjectRequest {
  std::string key;
  std::string content_type;
  std::string cache_control;
  bool past_cache = false;  // too large to be held, and asked for once
};

// Thread-safe.
class ObjectDelivery {
 public:
  ObjectDelivery(storage::ObjectStore& store, SegmentCache& cache, obs::Metrics& metrics);

  // Answers GET and HEAD, with ranges and conditions. A fetch that breaks midway cuts the connection, so that no cache keeps half an
  // object.
  http::Task<void> Serve(http::Exchange& exchange, ObjectRequest wanted, Provenance& provenance);
  // A whole small object. RESOURCE_EXHAUSTED when it is larger than 16 MiB; UNAVAILABLE when the store keeps silent for two seconds.
  http::Task<StatusOr<std::string>> Read(http::Exchange& exchange, std::string key, Provenance& provenance);

 private:
  struct Visit;
  // True when it has answered from the object's info alone.
  http::Task<bool> ServeInfo(http::Exchange& exchange, const ObjectRequest& wanted);
  http::Task<void> ServeObject(http::Exchange& exchange, const ObjectRequest& wanted, Visit& visit);
  http::Task<void> SendCached(http::Exchange& exchange, std::shared_ptr<CachedObject> object, int64_t first, int64_t length);
  http::Task<void> ServePastCache(http::Exchange& exchange, const ObjectRequest& wanted, Visit& visit);
  http::Task<void> ServeFromStore(http::Exchange& exchange, const ObjectRequest& wanted, const storage::ObjectInfo& info, Visit& visit);
  http::Task<StatusOr<std::string>> ReadObject(http::Exchange& exchange, const std::string& key, Visit& visit);

  storage::ObjectStore& store_;
  SegmentCache& cache_;
  obs::Counter& bytes_;
};

}  // namespace vora::gateway
