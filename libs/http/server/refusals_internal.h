#pragma once

// Counts what a server refuses or cuts off to protect itself, and tells of it in the log, at most once per second and reason.

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "libs/obs/metrics.h"

namespace vora::http {

enum class Reason { kConnections, kClientConnections, kClientRequests, kHeaderTimeout, kHeaderSize, kMalformed, kSlowBody, kSlowReader };

// Thread-safe.
class Refusals {
 public:
  explicit Refusals(obs::Metrics& metrics);
  // `client` may be empty. `hint` is for the log.
  void Count(Reason reason, const std::string& client, const char* hint = "");

 private:
  static constexpr size_t kReasons = 8;
  struct Entry {
    obs::Counter* total = nullptr;
    std::atomic<int64_t> last_told{0};  // milliseconds of the steady clock
    std::atomic<int64_t> untold{0};
  };
  std::array<Entry, kReasons> entries_;
};

}  // namespace vora::http
