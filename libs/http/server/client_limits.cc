#include <algorithm>
#include <cmath>
#include <string_view>

#include "libs/http/server/client_limits_internal.h"

namespace vora::http {
namespace {

constexpr std::chrono::minutes kRemembered{10};
// Looked at on each new client, so that the table shrinks as fast as it grows.
constexpr int kForgottenAtOnce = 4;
constexpr int64_t kPatience = 100;

}  // namespace

ClientLimits::Slot& ClientLimits::Slot::operator=(Slot&& other) noexcept {
  if (this != &other) {
    Release();
    client_ = std::move(other.client_);
  }
  return *this;
}

void ClientLimits::Slot::Release() {
  if (client_) client_->connections.fetch_sub(1, std::memory_order_relaxed);
  client_.reset();
}

double ClientLimits::Burst() const { return std::max(1.0, 2 * options_.requests_per_second); }

// Full: the oldest without connections goes, or, when a few of the oldest are all connected, the oldest.
void ClientLimits::Forget(Shard& shard, Time now) const {
  const size_t room = std::max<size_t>(1, options_.max_clients / kShards);
  for (int i = 0; i < kForgottenAtOnce && !shard.by_use.empty(); ++i) {
    const auto oldest = std::prev(shard.by_use.end());
    const bool full = shard.by_use.size() >= room;
    if (!full && now - oldest->second < kRemembered) return;
    if (oldest->first->connections > 0 && (!full || i + 1 < kForgottenAtOnce)) {
      shard.by_use.splice(shard.by_use.begin(), shard.by_use, oldest);
      continue;
    }
    shard.by_address.erase(oldest->first->address);
    shard.by_use.erase(oldest);
  }
}

std::shared_ptr<ClientLimits::Client> ClientLimits::Find(const Address& address, Time now) {
  const Address key = address.Client();
  Shard& shard = shards_[(AddressHash()(key) >> 7) % kShards];
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_address.find(key);
  if (found != shard.by_address.end()) {
    found->second->second = now;
    shard.by_use.splice(shard.by_use.begin(), shard.by_use, found->second);
    return found->second->first;
  }
  Forget(shard, now);
  auto client = std::make_shared<Client>(key, Burst(), now);
  shard.by_use.emplace_front(client, now);
  shard.by_address.emplace(key, shard.by_use.begin());
  return client;
}

bool ClientLimits::Enter(const std::shared_ptr<Client>& client, Slot& slot) const {
  const int64_t open = client->connections.fetch_add(1, std::memory_order_relaxed) + 1;
  Slot entered(client);
  if (options_.connections > 0 && open > options_.connections) return false;
  slot = std::move(entered);
  return true;
}

ClientLimits::Verdict ClientLimits::TakeRequest(Client& client, Time now) const {
  const double rate = options_.requests_per_second;
  if (rate <= 0) return {};
  const std::lock_guard lock(client.mutex);
  if (const double seconds = std::chrono::duration<double>(now - client.filled).count(); seconds > 0) {
    client.tokens = std::min(Burst(), client.tokens + seconds * rate);
    client.filled = now;
  }
  if (client.tokens >= 1) {
    client.tokens -= 1;
    client.refused_in_a_row = 0;
    return {};
  }
  const double wait = std::clamp(std::ceil((1 - client.tokens) / rate), 1.0, 3600.0);
  return {static_cast<int64_t>(wait), ++client.refused_in_a_row > kPatience};
}

size_t ClientLimits::clients() const {
  size_t total = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    total += shard.by_use.size();
  }
  return total;
}

}  // namespace vora::http
