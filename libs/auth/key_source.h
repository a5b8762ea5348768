#pragma once

// The keys of VORA_JWT_JWKS, kept fresh by a thread of its own.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libs/auth/json_web_key.h"
#include "libs/core/status.h"
#include "libs/obs/metrics.h"

namespace vora::auth {

// INVALID_ARGUMENT unless `location` is a file path, an https URL, or an http URL of this machine.
Status CheckKeyLocation(const std::string& location);

struct KeySourceOptions {
  std::string location;
  std::chrono::milliseconds file_interval{2000};     // how often a file is looked at
  std::chrono::milliseconds url_interval{300'000};   // how often a URL is asked again
  std::chrono::milliseconds retry_interval{30'000};  // at least between two tries
};

// Thread-safe.
class KeySource {
 public:
  struct Snapshot {
    std::vector<VerificationKey> keys;
    uint64_t generation = 0;  // grows whenever the keys change
  };

  // Reads the keys once: INVALID_ARGUMENT (a file that cannot be used) or UNAVAILABLE (a URL that does not answer) when that fails. Later
  // failures are logged and leave the keys as they are.
  static StatusOr<std::unique_ptr<KeySource>> Open(KeySourceOptions options, obs::Metrics& metrics);
  ~KeySource();
  std::shared_ptr<const Snapshot> keys() const;
  // A token did not fit the keys: they may have been changed. A URL is asked again soon, but not more often than `retry_interval`.
  void Suspect() const;

 private:
  struct Impl;
  explicit KeySource(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace vora::auth
