#pragma once

// One HTTP request to a webhook's URL. Connects to public addresses only, checked on the socket itself, so that a name that changes its
// address between check and use gains nothing; follows no redirect, asks no proxy, takes at most 64 KiB and 10 s.

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/core/status.h"

namespace vora::metadata {

struct WebhookAnswer {
  Status status;        // OK: there was an answer, whatever it says
  int http_status = 0;  // of an answer
  std::optional<std::chrono::seconds> retry_after;
};

class WebhookSender {
 public:
  explicit WebhookSender(bool allow_private, std::chrono::milliseconds timeout = std::chrono::seconds(10));
  // POSTs JSON. INVALID_ARGUMENT: the URL may not be called. UNAVAILABLE, DEADLINE_EXCEEDED, CANCELLED (after Interrupt). Thread-safe.
  WebhookAnswer Post(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers, const std::string& body);
  // Ends calls in progress and refuses further ones.
  void Interrupt() { interrupted_ = true; }
  bool allow_private() const { return allow_private_; }

 private:
  const bool allow_private_;
  const std::chrono::milliseconds timeout_;
  std::atomic<bool> interrupted_{false};
};

}  // namespace vora::metadata
