#include "services/analytics-ingest/intake/client_limits.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

namespace vora::analytics {
namespace {

ClientLimitOptions Completed(ClientLimitOptions options) {
  if (options.requests_per_second > 0) return options;
  options.requests_per_second = options.events_per_second;
  options.requests_burst = options.events_burst;
  return options;
}

int64_t SecondsUntil(double missing, int64_t rate) {
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(missing / static_cast<double>(rate))));
}

}  // namespace

ClientLimits::ClientLimits(ClientLimitOptions options) : options_(Completed(options)) {}

ClientLimits::Shard& ClientLimits::ShardOf(const Address& address) { return shards_[(http::AddressHash()(address) >> 7) % kShards]; }

void ClientLimits::Bucket::Fill(int64_t rate, int64_t burst, Time now) {
  const double seconds = std::chrono::duration<double>(now - filled).count();
  if (seconds <= 0) return;
  tokens = std::min(static_cast<double>(burst), tokens + seconds * static_cast<double>(rate));
  filled = now;
}

ClientLimits::Client& ClientLimits::Find(Shard& shard, const Address& address, Time now) {
  const auto found = shard.by_address.find(address);
  if (found != shard.by_address.end()) {
    shard.by_use.splice(shard.by_use.begin(), shard.by_use, found->second);
    return *found->second;
  }
  if (shard.by_use.size() >= static_cast<size_t>(std::max<int64_t>(1, options_.max_clients / static_cast<int64_t>(kShards)))) {
    shard.by_address.erase(shard.by_use.back().address);
    shard.by_use.pop_back();
  }
  shard.by_use.push_front(
      {address, {static_cast<double>(options_.requests_burst), now}, {static_cast<double>(options_.events_burst), now}});
  shard.by_address.emplace(address, shard.by_use.begin());
  return shard.by_use.front();
}

int64_t ClientLimits::TakeRequest(const Address& client, Time now) {
  const Address key = client.Client();
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  Client& known = Find(shard, key, now);
  if (options_.events_per_second > 0) {
    known.events.Fill(options_.events_per_second, options_.events_burst, now);
    if (known.events.tokens < 1) return SecondsUntil(1 - known.events.tokens, options_.events_per_second);
  }
  if (options_.requests_per_second <= 0) return 0;
  known.requests.Fill(options_.requests_per_second, options_.requests_burst, now);
  if (known.requests.tokens < 1) return SecondsUntil(1 - known.requests.tokens, options_.requests_per_second);
  known.requests.tokens -= 1;
  return 0;
}

int64_t ClientLimits::TakeEvents(const Address& client, int64_t events, Time now) {
  if (options_.events_per_second <= 0) return 0;
  const Address key = client.Client();
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  Client& known = Find(shard, key, now);
  known.events.Fill(options_.events_per_second, options_.events_burst, now);
  const auto wanted = static_cast<double>(events);
  if (known.events.tokens < wanted) return SecondsUntil(wanted - known.events.tokens, options_.events_per_second);
  known.events.tokens -= wanted;
  return 0;
}

bool ClientLimits::TakeBytes(const Address& client, int64_t bytes, int64_t limit, Time now) {
  const Address key = client.Client();
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  Client& known = Find(shard, key, now);
  if (known.bytes + bytes > limit) return false;
  known.bytes += bytes;
  return true;
}

void ClientLimits::GiveBytes(const Address& client, int64_t bytes) {
  const Address key = client.Client();
  Shard& shard = ShardOf(key);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.by_address.find(key);
  // Who was forgotten meanwhile began anew with nothing.
  if (found != shard.by_address.end()) found->second->bytes = std::max<int64_t>(0, found->second->bytes - bytes);
}

size_t ClientLimits::clients() const {
  size_t total = 0;
  for (const Shard& shard : shards_) {
    const std::lock_guard lock(shard.mutex);
    total += shard.by_use.size();
  }
  return total;
}

}  // namespace vora::analytics
