#include <algorithm>
#include <cmath>

#include "libs/http/server/client_limits_internal.h"

namespace vora::http {
namespace {

constexpr std::chrono::minutes kRemembered{10};
// Looked at on each new client, so that the table shrinks as fast as it grows.
constexpr int kForgottenAtOnce = 4;
// A program that is told to wait and goes on regardless costs less when its connection is closed.
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

ClientLimits::ClientLimits(Options options)
    : options_(options), rate_{options.requests_per_second, std::max(1.0, 2 * options.requests_per_second)}, table_(options.max_clients) {}

// Full: the oldest without connections goes, or, when a few of the oldest are all connected, the oldest.
void ClientLimits::Forget(Table::Part& part, Time now) const {
  int looked_at = 0;
  part.Sweep([&](const Address&, const Seen& seen) {
    const bool full = part.size() >= table_.room();
    if (looked_at++ == kForgottenAtOnce || (!full && now - seen.last < kRemembered)) return LruVerdict::kStop;
    const bool connected = seen.client->connections > 0 && (!full || looked_at < kForgottenAtOnce);
    return connected ? LruVerdict::kUse : LruVerdict::kDrop;
  });
}

std::shared_ptr<ClientLimits::Client> ClientLimits::Find(const Address& address, Time now) {
  return table_.With(address, [&](const Address& client, Table::Part& part) {
    if (Seen* known = part.Use(client)) {
      known->last = now;
      return known->client;
    }
    Forget(part, now);
    return part.Insert(client, {std::make_shared<Client>(rate_, now), now}).client;
  });
}

bool ClientLimits::Enter(const std::shared_ptr<Client>& client, Slot& slot) const {
  const int64_t open = client->connections.fetch_add(1, std::memory_order_relaxed) + 1;
  // Counted before it is compared, so two connections at once cannot both take the last place; leaving gives a refused one back.
  Slot entered(client);
  if (options_.connections > 0 && open > options_.connections) return false;
  slot = std::move(entered);
  return true;
}

ClientLimits::Verdict ClientLimits::TakeRequest(Client& client, Time now) const {
  if (rate_.per_second <= 0) return {};
  const std::lock_guard lock(client.mutex);
  const double wait = client.requests.Take(1, rate_, now);
  if (wait <= 0) {
    client.refused_in_a_row = 0;
    return {};
  }
  return {static_cast<int64_t>(std::clamp(std::ceil(wait), 1.0, 3600.0)), ++client.refused_in_a_row > kPatience};
}

}  // namespace vora::http
