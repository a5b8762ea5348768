#pragma once

// A limit on average, with bursts: a bucket that fills at a rate, from which what happens is taken. Not thread-safe.

#include <algorithm>
#include <chrono>

namespace vora {

struct TokenRate {
  double per_second = 0;  // 0: no limit
  double burst = 1;       // what a full bucket holds
};

class TokenBucket {
 public:
  using Time = std::chrono::steady_clock::time_point;
  // Full.
  TokenBucket(const TokenRate& rate, Time now) : tokens_(rate.burst), filled_(now) {}

  // Seconds until `wanted` could be taken; 0: now.
  double Wait(double wanted, const TokenRate& rate, Time now) {
    if (rate.per_second <= 0) return 0;
    if (const double seconds = std::chrono::duration<double>(now - filled_).count(); seconds > 0) {
      tokens_ = std::min(rate.burst, tokens_ + seconds * rate.per_second);
      filled_ = now;
    }
    return std::max(0.0, (wanted - tokens_) / rate.per_second);
  }

  // Takes `wanted` out, all or nothing. The seconds to wait before another try; 0: taken.
  double Take(double wanted, const TokenRate& rate, Time now) {
    const double wait = Wait(wanted, rate, now);
    if (wait <= 0 && rate.per_second > 0) tokens_ -= wanted;
    return wait;
  }

 private:
  double tokens_;
  Time filled_;
};

}  // namespace vora
