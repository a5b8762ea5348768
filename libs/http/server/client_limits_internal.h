#pragma once

// How many connections and requests each client has, in a table of bounded size: who was seen longest ago is forgotten first.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "libs/http/message/client_address.h"

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
    explicit Client(const Address& key, double tokens, Time now) : address(key), tokens(tokens), filled(now) {}
    const Address address;
    std::atomic<int64_t> connections{0};
    std::mutex mutex;
    double tokens;
    Time filled;
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

  explicit ClientLimits(Options options) : options_(options) {}
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
  size_t clients() const;

 private:
  struct Shard {
    mutable std::mutex mutex;
    std::list<std::pair<std::shared_ptr<Client>, Time>> by_use;  // the latest first
    std::unordered_map<Address, std::list<std::pair<std::shared_ptr<Client>, Time>>::iterator, AddressHash> by_address;
  };
  double Burst() const;
  void Forget(Shard& shard, Time now) const;

  static constexpr size_t kShards = 16;
  const Options options_;
  std::array<Shard, kShards> shards_;
};

}  // namespace vora::http
