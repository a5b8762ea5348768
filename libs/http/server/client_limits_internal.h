#pragma once

// How many connections and requests each client has, in a table of bounded size: who was seen longest ago is forgotten first.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>

#include "libs/core/token_bucket.h"
#include "libs/http/message/client_table.h"

namespace vora::http {

// Thread-safe.
class ClientLimits {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Options {
    int64_t connections = 0;         // at a time; 0: no limit
    double requests_per_second = 0;  // on average, bursts of twice as many; 0: no limit
    size_t max_clients = 65536;      // remembered, about 250 bytes each
  };

  // What is known of one client. Lives as long as someone holds it, remembered or not.
  struct Client {
    Client(const TokenRate& rate, Time now) : requests(rate, now) {}
    std::atomic<int64_t> connections{0};
    std::mutex mutex;
    TokenBucket requests;
    int64_t refused_in_a_row = 0;
  };

  // One of the connections that a client may have; gives it back at its end.
  class Slot {
   public:
    Slot() = default;
    explicit Slot(std::shared_ptr<Client> client) : client_(std::move(client)) {}
    Slot(Slot&& other) = default;
    Slot& operator=(Slot&& other) noexcept;
    ~Slot() { Release(); }
    void Release();

   private:
    std::shared_ptr<Client> client_;
  };

  explicit ClientLimits(Options options);
  bool enabled() const { return options_.connections > 0 || options_.requests_per_second > 0; }

  // Of an IPv6 network (/64) all addresses are one client.
  std::shared_ptr<Client> Find(const Address& address, Time now);
  // False: the client has as many connections as it may have.
  bool Enter(const std::shared_ptr<Client>& client, Slot& slot) const;

  struct Verdict {
    int64_t wait_seconds = 0;  // 0: come in
    bool hang_up = false;      // the client goes on in spite of many refusals
  };
  Verdict TakeRequest(Client& client, Time now) const;
  size_t clients() const { return table_.size(); }

 private:
  struct Seen {
    std::shared_ptr<Client> client;
    Time last;
  };
  using Table = ClientTable<Seen>;
  void Forget(Table::Part& part, Time now) const;

  const Options options_;
  const TokenRate rate_;
  Table table_;
};

}  // namespace vora::http
