#pragma once

// What is known of each client, in a table of bounded size, with a lock for each of its parts.

#include <algorithm>
#include <array>
#include <mutex>
#include <utility>

#include "libs/core/lru_map.h"
#include "libs/http/message/client_address.h"

namespace vora::http {

// Thread-safe.
template <typename State>
class ClientTable {
 public:
  using Part = LruMap<Address, State, AddressHash>;

  explicit ClientTable(size_t max_clients) : room_(std::max<size_t>(1, max_clients / kParts)) {}

  // Returns `use(client, part)`, under the lock of the part in which this client would be. Of an IPv6 network (/64) all addresses are one.
  template <typename F>
  auto With(const Address& address, F use) {
    const Address client = address.Client();
    Locked& locked = parts_[(AddressHash()(client) >> 7) % kParts];
    const std::lock_guard lock(locked.mutex);
    return use(client, locked.part);
  }

  // How many clients a part has room for.
  size_t room() const { return room_; }

  size_t size() const {
    size_t total = 0;
    for (const Locked& locked : parts_) {
      const std::lock_guard lock(locked.mutex);
      total += locked.part.size();
    }
    return total;
  }

 private:
  struct Locked {
    mutable std::mutex mutex;
    Part part;
  };
  static constexpr size_t kParts = 16;
  const size_t room_;
  std::array<Locked, kParts> parts_;
};

}  // namespace vora::http
