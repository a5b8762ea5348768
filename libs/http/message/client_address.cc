#include "libs/http/message/client_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

#include "libs/core/text.h"

namespace vora::http {
namespace {

// IPv4 as mapped IPv6 (RFC 4291 section 2.5.5.2), so that one comparison of prefixes does for both.
constexpr std::array<unsigned char, 12> kV4Prefix = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr int kV4Bits = 96;
constexpr int kStoredV4 = 24;
constexpr int kStoredV6 = 48;

// Without brackets, port and zone.
std::string_view Host(std::string_view text) {
  if (text.starts_with('[')) {
    text = text.substr(1, text.find(']') - 1);
  } else if (std::count(text.begin(), text.end(), ':') == 1) {
    // With one colon it is host:port; with more it is a bare IPv6 address.
    text = text.substr(0, text.find(':'));
  }
  return text.substr(0, text.find('%'));
}

bool SamePrefix(const Address& a, const Address& b, int bits) {
  const auto whole = static_cast<size_t>(bits / 8);
  if (std::memcmp(a.bytes.data(), b.bytes.data(), whole) != 0) return false;
  const int rest = bits % 8;
  if (rest == 0) return true;
  const int mask = 0xff00 >> rest;
  return ((a.bytes[whole] ^ b.bytes[whole]) & mask & 0xff) == 0;
}

}  // namespace

bool Address::IsV4() const { return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes.begin()); }

std::string Address::Text() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(IsV4() ? AF_INET : AF_INET6, IsV4() ? bytes.data() + 12 : bytes.data(), text.data(), text.size());
  return text.data();
}

std::string Address::Network() const {
  const bool v4 = IsV4();
  std::array<unsigned char, 16> cut = bytes;
  std::fill(cut.begin() + (v4 ? (kV4Bits + kStoredV4) / 8 : kStoredV6 / 8), cut.end(), static_cast<unsigned char>(0));
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? cut.data() + 12 : cut.data(), text.data(), text.size());
  return std::string(text.data()) + "/" + std::to_string(v4 ? kStoredV4 : kStoredV6);
}

std::optional<Address> ParseAddress(std::string_view text) {
  const std::string host(Host(TrimBlanks(text)));
  Address address;
  if (inet_pton(AF_INET6, host.c_str(), address.bytes.data()) == 1) return address;
  std::copy(kV4Prefix.begin(), kV4Prefix.end(), address.bytes.begin());
  if (inet_pton(AF_INET, host.c_str(), address.bytes.data() + 12) == 1) return address;
  return std::nullopt;
}

bool Cidr::Holds(const Address& other) const { return SamePrefix(address, other, bits); }

StatusOr<std::vector<Cidr>> ParseCidrs(const std::vector<std::string>& list) {
  std::vector<Cidr> out;
  if (list.size() == 1 && list.front() == "none") return out;
  for (const std::string& entry : list) {
    const size_t slash = entry.find('/');
    const auto address = ParseAddress(entry.substr(0, slash));
    if (!address) return InvalidArgument("`" + entry + "` is not an address with an optional /bits");
    const int limit = address->IsV4() ? 32 : 128;
    int bits = limit;
    if (slash != std::string::npos) {
      const std::string text = entry.substr(slash + 1);
      if (text.empty() || text.size() > 3 || text.find_first_not_of("0123456789") != std::string::npos || std::stoi(text) > limit) {
        return InvalidArgument("`" + entry + "`: the bits must be from 0 to " + std::to_string(limit));
      }
      bits = std::stoi(text);
    }
    out.push_back({*address, bits + (128 - limit)});
  }
  return out;
}

Address Address::Client() const {
  Address client = *this;
  if (!IsV4()) std::fill(client.bytes.begin() + 8, client.bytes.end(), static_cast<unsigned char>(0));
  return client;
}

size_t AddressHash::operator()(const Address& address) const {
  return std::hash<std::string_view>()({reinterpret_cast<const char*>(address.bytes.data()), address.bytes.size()});
}

bool HeldByAny(const std::vector<Cidr>& networks, const Address& address) {
  return std::any_of(networks.begin(), networks.end(), [&](const Cidr& cidr) { return cidr.Holds(address); });
}

Address ClientAddress(const Address& peer, std::string_view forwarded, const std::vector<Cidr>& trusted) {
  Address client = peer;
  // From the right: each trusted hop vouches for the one before it.
  while (!forwarded.empty() && HeldByAny(trusted, client)) {
    const size_t comma = forwarded.rfind(',');
    const auto before = ParseAddress(comma == std::string_view::npos ? forwarded : forwarded.substr(comma + 1));
    if (!before) break;
    client = *before;
    forwarded = comma == std::string_view::npos ? std::string_view() : forwarded.substr(0, comma);
  }
  return client;
}

std::optional<Address> ClientAddress(std::string_view peer, std::string_view forwarded, const std::vector<Cidr>& trusted) {
  const std::optional<Address> parsed = ParseAddress(peer);
  return parsed ? std::optional(ClientAddress(*parsed, forwarded, trusted)) : std::nullopt;
}

}  // namespace vora::http
