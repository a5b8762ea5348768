#pragma once

// Requests that named themselves by Idempotency-Key (draft-ietf-httpapi-idempotency-key-header), and what they were answered. Thread-safe.

#include <chrono>
#include <map>
#include <optional>
#include <string>

#include "libs/core/status.h"

namespace vora::metadata {

class Store;

struct KeyedRequest {
  std::string tenant, key;
  std::string fingerprint;  // of what is asked: method, path and body
};

struct KeyedAnswer {
  int status = 0;  // HTTP
  std::map<std::string, std::string> headers;
  std::string body;
};

class RequestKeyRepo {
 public:
  // `lease`: how long a request may be carried out before another replica may begin it anew.
  explicit RequestKeyRepo(Store& store, std::chrono::milliseconds lease = std::chrono::seconds(60)) : store_(store), lease_(lease) {}

  // The answer that it was given already; nullopt: it is to be carried out now, and then to be ended. The kinds
  // `idempotency_key_reused`: the key was of another request; `request_in_progress`: it is being carried out.
  StatusOr<std::optional<KeyedAnswer>> Begin(const KeyedRequest& request);
  // Remembers the answer.
  Status End(const KeyedRequest& request, const KeyedAnswer& answer);
  // It came to nothing, and may be tried again at once.
  Status Forget(const KeyedRequest& request);
  Status Purge(std::chrono::hours age);

 private:
  Store& store_;
  const std::chrono::milliseconds lease_;
};

}  // namespace vora::metadata
