#include "libs/auth/token_cache.h"

#include <utility>

#include "libs/core/digest.h"

namespace vora::auth {

std::optional<Claims> TokenCache::Find(std::string_view token, uint64_t generation, SystemTime now) {
  std::string hash = Sha256(token);
  const std::lock_guard lock(mutex_);
  for (Generation* part : {&young_, &old_}) {
    const auto found = part->find(hash);
    if (found == part->end()) continue;
    if (found->second.generation != generation || now >= found->second.claims.expires) {
      part->erase(found);
      return std::nullopt;
    }
    if (part == &young_) return found->second.claims;
    Entry entry = std::move(found->second);
    old_.erase(found);
    Claims claims = entry.claims;
    Insert(std::move(hash), std::move(entry));
    return claims;
  }
  return std::nullopt;
}

void TokenCache::Put(std::string_view token, uint64_t generation, const Claims& claims) {
  std::string hash = Sha256(token);
  const std::lock_guard lock(mutex_);
  Insert(std::move(hash), {claims, generation});
}

void TokenCache::Insert(std::string hash, Entry entry) {
  if (young_.size() >= half_) {
    // Half goes at once, and what is in use comes over from the old half at its next look-up: no list to keep in order.
    old_ = std::move(young_);
    young_.clear();
  }
  young_.insert_or_assign(std::move(hash), std::move(entry));
}

}  // namespace vora::auth
