#include <chrono>

#include "libs/http/metrics.h"
#include "libs/http/server/refusals_internal.h"
#include "libs/log/log.h"

namespace vora::http {
namespace {

constexpr std::array<const char*, 8> kNames = {"connections", "client_connections", "client_requests", "header_timeout",
                                               "header_size", "malformed",          "slow_body",       "slow_reader"};
constexpr int64_t kQuietMs = 1000;

}  // namespace

Refusals::Refusals(obs::Metrics& metrics) {
  for (size_t i = 0; i < kReasons; ++i) {
    entries_[i].total = &kRefused.In(metrics, {kNames[i]});
  }
}

void Refusals::Count(Reason reason, const std::string& client, const char* hint) {
  Entry& entry = entries_[static_cast<size_t>(reason)];
  entry.total->Increment();
  const int64_t untold = entry.untold.fetch_add(1) + 1;
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch()).count();
  int64_t last = entry.last_told.load();
  // Of threads that come at once one swaps the time and speaks; the others' counts stay for the next line.
  if (now - last < kQuietMs || !entry.last_told.compare_exchange_strong(last, now)) return;
  entry.untold.fetch_sub(untold);
  log::Warn("http refused", {{"reason", kNames[static_cast<size_t>(reason)]}, {"count", untold}, {"client", client}, {"hint", hint}});
}

}  // namespace vora::http
