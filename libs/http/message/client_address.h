#pragma once

// Who sent a request: the peer, or behind trusted proxies the last address of X-Forwarded-For that is not one of them. `Forwarded` (RFC
// 7239) is not read: a proxy that writes only one of the two passes on the other as the client made it up.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace vora::http {

// 16 bytes; IPv4 as ::ffff:a.b.c.d.
struct Address {
  std::array<unsigned char, 16> bytes{};
  bool operator==(const Address&) const = default;
  bool IsV4() const;
  std::string Text() const;
  // 203.0.113.0/24 or 2001:db8:1::/48: what may be stored.
  std::string Network() const;
  // Whom limits count: the address, of IPv6 its /64, for who has one of those networks has all its addresses.
  Address Client() const;
};
struct AddressHash {
  size_t operator()(const Address& address) const;
};
// Also takes [v6], a port after either, and a zone. nullopt: not an address.
std::optional<Address> ParseAddress(std::string_view text);

struct Cidr {
  Address address;
  int bits = 0;  // of 128
  bool Holds(const Address& other) const;
};
// `10.0.0.0/8`, `::1`; `none` alone: no network. INVALID_ARGUMENT names the entry.
StatusOr<std::vector<Cidr>> ParseCidrs(const std::vector<std::string>& list);

bool HeldByAny(const std::vector<Cidr>& networks, const Address& address);

// `forwarded`: all values of X-Forwarded-For, joined by commas. An entry that is no address ends the way back: whoever passed it on is
// taken for the client.
Address ClientAddress(const Address& peer, std::string_view forwarded, const std::vector<Cidr>& trusted);
// nullopt: the peer's address is not known.
std::optional<Address> ClientAddress(std::string_view peer, std::string_view forwarded, const std::vector<Cidr>& trusted);

}  // namespace vora::http
