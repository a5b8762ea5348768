#pragma once

// Token buckets for requests and events, one pair per client, in a table of bounded size: who was seen longest ago is forgotten first.

#include <chrono>
#include <cstdint>

#include "libs/core/token_bucket.h"
#include "libs/http/message/client_table.h"

namespace vora::analytics {

using http::Address;
using http::ParseAddress;

struct ClientLimitOptions {
  int64_t events_per_second = 2000, events_burst = 10'000;   // 0 per second: no limit
  int64_t requests_per_second = 0, requests_burst = 10'000;  // 0 per second: as the events
  int64_t max_clients = 50'000;
};

// Thread-safe.
class ClientLimits {
 public:
  using Time = std::chrono::steady_clock::time_point;
  explicit ClientLimits(ClientLimitOptions options);
  // Takes a request out of the client's bucket. 0: it may come in; else the seconds to wait. Also when no event is left in its bucket.
  int64_t TakeRequest(const Address& client, Time now);
  // Takes `events`, all or none.
  int64_t TakeEvents(const Address& client, int64_t events, Time now);
  // A share of `limit` bytes that a client may have in flight; false: it has none left.
  bool TakeBytes(const Address& client, int64_t bytes, int64_t limit, Time now);
  void GiveBytes(const Address& client, int64_t bytes);
  size_t clients() const { return table_.size(); }

 private:
  struct Client {
    TokenBucket requests, events;
    int64_t bytes = 0;  // in flight
  };
  using Table = http::ClientTable<Client>;
  Client& Find(const Address& client, Table::Part& part, Time now) const;

  const TokenRate events_, requests_;
  Table table_;
};

}  // namespace vora::analytics
