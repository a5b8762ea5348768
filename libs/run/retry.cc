#include "libs/run/retry.h"

#include <algorithm>
#include <random>
#include <thread>

namespace vora {
namespace {

// Slices keep a stopping caller from waiting out a long pause. False: stopped.
bool Pause(std::chrono::milliseconds time, const std::function<bool()>& stopped) {
  const auto until = std::chrono::steady_clock::now() + time;
  for (auto now = std::chrono::steady_clock::now(); now < until; now = std::chrono::steady_clock::now()) {
    if (stopped && stopped()) return false;
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(until - now, std::chrono::milliseconds(50)));
  }
  return !(stopped && stopped());
}

}  // namespace

std::chrono::milliseconds BackoffDelay(const RetryOptions& options, int attempt, const Status& last) {
  // A generator for each thread, seeded apart: clients that failed together must not come back together.
  thread_local std::minstd_rand random{std::random_device{}()};
  double delay = static_cast<double>(options.initial.count());
  const double limit = static_cast<double>(options.max.count());
  for (int i = 1; i < attempt && delay < limit; ++i) delay *= options.multiplier;
  delay = std::min(delay, limit);
  // Beyond the maximum too: whoever is overloaded is not helped by the pace that does for a restart.
  if (last.code() == StatusCode::kResourceExhausted) delay *= 4;
  delay *= std::uniform_real_distribution<double>(0.8, 1.2)(random);
  return std::chrono::milliseconds(static_cast<int64_t>(delay));
}

Status RetryIdempotent(const RetryOptions& options, const std::function<Status()>& op, const std::function<bool()>& stopped) {
  for (int attempt = 1;; ++attempt) {
    Status status = op();
    if (status.ok() || !IsTransient(status) || attempt >= options.max_attempts) return status;
    if (!Pause(BackoffDelay(options, attempt, status), stopped)) return status;
  }
}

}  // namespace vora
