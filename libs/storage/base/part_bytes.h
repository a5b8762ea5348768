#pragma once

// How large the parts of an object are.

#include <algorithm>
#include <cstdint>

namespace vora::storage {

// `bytes`, rounded up.
constexpr int64_t WholeMib(int64_t bytes) { return (bytes + (1 << 20) - 1) >> 20 << 20; }

// For an object of `size` bytes: at least 16 MiB, in whole MiB, so that 10,000 parts, the most that stores take, hold it with room to
// spare.
constexpr int64_t PartBytesFor(int64_t size) {
  constexpr int64_t kLeast = int64_t{16} << 20, kParts = 9'000;
  return std::max(kLeast, WholeMib((size + kParts - 1) / kParts));
}

}  // namespace vora::storage
