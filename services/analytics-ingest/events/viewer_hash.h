#pragma once

// Viewers as hashes. HMAC-SHA256 of the viewer's id under a salt; the salt of a period is HMAC(secret, period), so that a viewer cannot be
// followed across periods by who only has the table, while who has the secret can find all of a viewer's rows again to erase them.

#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace vora::analytics {

enum class ViewerHashMode { kRotating, kStable, kNone };

struct ViewerHashOptions {
  ViewerHashMode mode = ViewerHashMode::kRotating;
  std::string secret;
  std::chrono::milliseconds period{720 * 3'600'000LL};
  std::chrono::milliseconds retention{400 * 86'400'000LL};
};

// Thread-safe.
class ViewerHasher {
 public:
  explicit ViewerHasher(ViewerHashOptions options);
  // 32 hex digits; empty when `viewer_id` is empty or the mode is kNone.
  std::string Hash(std::string_view tenant, std::string_view viewer_id, int64_t unix_ms) const;
  // Every hash that rows within the retention may carry, whatever the mode was when they were written.
  std::vector<std::string> AllHashes(std::string_view tenant, std::string_view viewer_id, int64_t now_ms) const;

 private:
  int64_t PeriodOf(int64_t unix_ms) const { return unix_ms / options_.period.count(); }
  std::string Salt(std::string_view name) const;
  std::string SaltOf(int64_t period) const;

  const ViewerHashOptions options_;
  const std::string stable_salt_;
  mutable std::mutex mutex_;
  mutable int64_t cached_period_ = -1;
  mutable std::string cached_salt_;
};

// The secret kept in `directory`, made there (mode 0600) when there is none. FAILED_PRECONDITION: there is one that cannot be read.
StatusOr<std::string> LoadOrMakeSecret(const std::string& directory);

}  // namespace vora::analytics
