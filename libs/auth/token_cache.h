#pragma once

// Tokens that were verified a moment ago, so that one in steady use costs a hash and no public-key arithmetic.

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libs/auth/claims.h"

namespace vora::auth {

// Thread-safe. Holds hashes of tokens, never the tokens.
class TokenCache {
 public:
  explicit TokenCache(size_t capacity) : half_(capacity / 2) {}
  // The claims, while they hold at `now` and the keys are those of `generation`.
  std::optional<Claims> Find(std::string_view token, uint64_t generation, SystemTime now);
  void Put(std::string_view token, uint64_t generation, const Claims& claims);

 private:
  struct Entry {
    Claims claims;
    uint64_t generation;
  };
  using Generation = std::unordered_map<std::string, Entry>;
  void Insert(std::string hash, Entry entry);

  const size_t half_;
  std::mutex mutex_;
  Generation young_, old_;  // when the young are too many they become the old, and the old are forgotten
};

}  // namespace vora::auth
