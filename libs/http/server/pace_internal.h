#pragma once

// Whether a peer moves bytes fast enough, judged by the time spent waiting for it alone.

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace vora::http {

class Pace {
 public:
  // `rate` in bytes per second, 0: any pace will do. `patience`: how far the peer may fall behind, so that a stall which the idle timeout
  // allows is no fault.
  Pace(int64_t rate, std::chrono::duration<double> patience) : rate_(rate), patience_(patience) {}
  // False: the peer has fallen behind by more than that.
  bool Moved(int64_t bytes, std::chrono::duration<double> waited) {
    if (rate_ <= 0) return true;
    const std::chrono::duration<double> earned(static_cast<double>(bytes) / static_cast<double>(rate_));
    behind_ = std::max(std::chrono::duration<double>(0), behind_ + waited - earned);
    return behind_ <= patience_;
  }
  void Restart() { behind_ = {}; }

 private:
  const int64_t rate_;
  const std::chrono::duration<double> patience_;
  std::chrono::duration<double> behind_{0};
};

}  // namespace vora::http
