#pragma once

// Bounded exponential backoff with jitter around an idempotent operation.

#include <chrono>
#include <functional>

#include "libs/core/status.h"

namespace vora {

struct RetryOptions {
  int max_attempts = 5;
  std::chrono::milliseconds initial{100};
  std::chrono::milliseconds max{5000};
  double multiplier = 2.0;
};

// The pause before attempt `attempt`+1 (attempt from 1), with +-20 % jitter; RESOURCE_EXHAUSTED waits four times as long.
std::chrono::milliseconds BackoffDelay(const RetryOptions& options, int attempt, const Status& last);

// Runs `op` until it is OK, not transient (IsTransient), attempts are used up or `stopped` is true. Only for idempotent operations.
Status RetryIdempotent(const RetryOptions& options, const std::function<Status()>& op, const std::function<bool()>& stopped = nullptr);

}  // namespace vora
