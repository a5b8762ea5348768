#include <array>

#include "libs/http/metrics.h"
#include "libs/http/server/server_internal.h"

namespace vora::http {
namespace {

// Methods come from clients: unknown ones share a label.
std::string MethodLabel(const std::string& method) {
  static constexpr std::array<const char*, 7> kKnown = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};
  for (const char* known : kKnown) {
    if (method == known) return method;
  }
  return "OTHER";
}

}  // namespace

RequestMetrics::RequestMetrics(obs::Metrics& metrics) : metrics_(metrics), in_flight_(kInFlight.In(metrics)) {}

void RequestMetrics::Ended(const std::string& method, const std::string& route, int status, double seconds) {
  in_flight_.Add(-1);
  const std::string label = MethodLabel(method);
  const std::string code = std::to_string(status);
  std::string key = label + ' ' + code + ' ' + route;
  Pair pair{};
  {
    std::lock_guard lock(mutex_);
    auto [found, added] = known_.try_emplace(std::move(key));
    if (added) {
      found->second.total = &kRequests.In(metrics_, {label, route, code});
      found->second.duration = &kDuration.In(metrics_, {label, route});
    }
    pair = found->second;
  }
  pair.total->Increment();
  pair.duration->Observe(seconds);
}

size_t Registry::Add(const std::shared_ptr<Stoppable>& connection) {
  std::lock_guard lock(mutex_);
  open_.emplace(connection.get(), connection);
  return open_.size();
}

void Registry::Remove(Stoppable* connection) {
  std::lock_guard lock(mutex_);
  open_.erase(connection);
  if (open_.empty()) empty_.notify_all();
}

std::vector<std::shared_ptr<Stoppable>> Registry::Snapshot() {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Stoppable>> all;
  // Copies, so that nobody is called with the mutex held: a connection that ends takes it to remove itself.
  for (const auto& [raw, weak] : open_) {
    if (auto connection = weak.lock()) all.push_back(std::move(connection));
  }
  return all;
}

void Registry::DrainAll() {
  for (const auto& connection : Snapshot()) connection->Drain();
}

void Registry::AbortAll() {
  for (const auto& connection : Snapshot()) connection->Abort();
}

bool Registry::WaitEmpty(std::chrono::milliseconds budget) {
  std::unique_lock lock(mutex_);
  return empty_.wait_for(lock, budget, [this] { return open_.empty(); });
}

}  // namespace vora::http
