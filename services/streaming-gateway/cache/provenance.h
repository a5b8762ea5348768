#pragma once

// Where the bytes of an answer came from.

#include <chrono>

namespace vora::gateway {

// The values are those of analytics.v1.CacheState.
enum class CacheState {
  kNone = 0,       // the object store had no part in it: a manifest built from metadata, a refusal
  kHit = 1,        // from memory
  kMiss = 2,       // the object store was asked for this request
  kCoalesced = 3,  // waited for a fetch that another request had begun
  kBypass = 4,     // too large for the cache
};

struct Provenance {
  CacheState cache = CacheState::kNone;
  // From the request's question until the object store had given the first byte, or had failed to. 0 when it was there already.
  std::chrono::nanoseconds origin{0};
};

}  // namespace vora::gateway
