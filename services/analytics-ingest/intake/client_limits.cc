#include "services/analytics-ingest/intake/client_limits.h"

#include <algorithm>
#include <cmath>

namespace vora::analytics {
namespace {

TokenRate RateOf(int64_t per_second, int64_t burst) { return {static_cast<double>(per_second), static_cast<double>(burst)}; }

// Whole seconds, so that who comes back after them is let in.
int64_t Seconds(double wait) { return wait <= 0 ? 0 : std::max<int64_t>(1, static_cast<int64_t>(std::ceil(wait))); }

}  // namespace

ClientLimits::ClientLimits(ClientLimitOptions options)
    : events_(RateOf(options.events_per_second, options.events_burst)),
      requests_(options.requests_per_second > 0 ? RateOf(options.requests_per_second, options.requests_burst) : events_),
      table_(static_cast<size_t>(std::max<int64_t>(1, options.max_clients))) {}

ClientLimits::Client& ClientLimits::Find(const Address& client, Table::Part& part, Time now) const {
  if (Client* known = part.Use(client)) return *known;
  if (part.size() >= table_.room()) part.TakeOldest();
  return part.Insert(client, {TokenBucket(requests_, now), TokenBucket(events_, now)});
}

int64_t ClientLimits::TakeRequest(const Address& address, Time now) {
  return table_.With(address, [&](const Address& client, Table::Part& part) {
    Client& known = Find(client, part, now);
    // Asked without taking: who has no events left must not lose requests besides.
    if (const double wait = known.events.Wait(1, events_, now); wait > 0) return Seconds(wait);
    return Seconds(known.requests.Take(1, requests_, now));
  });
}

int64_t ClientLimits::TakeEvents(const Address& address, int64_t events, Time now) {
  return table_.With(address, [&](const Address& client, Table::Part& part) {
    return Seconds(Find(client, part, now).events.Take(static_cast<double>(events), events_, now));
  });
}

bool ClientLimits::TakeBytes(const Address& address, int64_t bytes, int64_t limit, Time now) {
  return table_.With(address, [&](const Address& client, Table::Part& part) {
    Client& known = Find(client, part, now);
    if (known.bytes + bytes > limit) return false;
    known.bytes += bytes;
    return true;
  });
}

void ClientLimits::GiveBytes(const Address& address, int64_t bytes) {
  table_.With(address, [&](const Address& client, Table::Part& part) {
    // Who was forgotten meanwhile began anew with nothing.
    if (Client* known = part.Peek(client)) known->bytes = std::max<int64_t>(0, known->bytes - bytes);
  });
}

}  // namespace vora::analytics
