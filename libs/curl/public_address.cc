#include "libs/curl/public_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace vora::curl {
namespace {

template <size_t kSize>
struct Network {
  std::array<uint8_t, kSize> prefix;
  int bits;
  std::string_view name;
};

constexpr Network<4> kV4[] = {
    {{0, 0, 0, 0}, 8, "this network"},       {{10, 0, 0, 0}, 8, "private"},         {{100, 64, 0, 0}, 10, "shared by a carrier"},
    {{127, 0, 0, 0}, 8, "loopback"},         {{169, 254, 0, 0}, 16, "link-local"},  {{172, 16, 0, 0}, 12, "private"},
    {{192, 0, 0, 0}, 24, "for protocols"},   {{192, 0, 2, 0}, 24, "documentation"}, {{192, 88, 99, 0}, 24, "6to4 relay"},
    {{192, 168, 0, 0}, 16, "private"},       {{198, 18, 0, 0}, 15, "benchmarking"}, {{198, 51, 100, 0}, 24, "documentation"},
    {{203, 0, 113, 0}, 24, "documentation"}, {{224, 0, 0, 0}, 4, "multicast"},      {{240, 0, 0, 0}, 4, "reserved or broadcast"},
};

// Inside 2000::/3; what lies outside is refused anyway, these names are for the message.
constexpr Network<16> kV6[] = {
    {{}, 128, "unspecified"},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, 128, "loopback"},
    {{0x20, 0x01, 0x00}, 23, "for protocols or Teredo"},
    {{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
    {{0x20, 0x02}, 16, "6to4"},
    {{0x3f, 0xff, 0x00}, 20, "documentation"},
    {{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, "local NAT64"},
    {{0xfc}, 7, "unique local"},
    {{0xfe, 0x80}, 10, "link-local"},
    {{0xfe, 0xc0}, 10, "site-local"},
    {{0xff}, 8, "multicast"},
};
constexpr std::array<uint8_t, 16> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
constexpr std::array<uint8_t, 16> kNat64 = {0x00, 0x64, 0xff, 0x9b};
constexpr std::array<uint8_t, 16> kGlobalUnicast = {0x20};

template <size_t kSize>
bool Within(const std::array<uint8_t, kSize>& address, const std::array<uint8_t, kSize>& prefix, int bits) {
  for (size_t i = 0; i < kSize && bits > 0; ++i, bits -= 8) {
    const unsigned mask = bits >= 8 ? 0xffU : (0xff00U >> bits) & 0xffU;
    if ((address[i] & mask) != (prefix[i] & mask)) return false;
  }
  return true;
}

}  // namespace

std::string_view WhyNotPublic(const std::array<uint8_t, 4>& v4) {
  for (const auto& network : kV4) {
    if (Within(v4, network.prefix, network.bits)) return network.name;
  }
  return {};
}

std::string_view WhyNotPublic(const std::array<uint8_t, 16>& v6) {
  // The kernel connects to the IPv4 address inside, so that one decides.
  if (Within(v6, kMapped, 96) || Within(v6, kNat64, 96)) return WhyNotPublic(std::array<uint8_t, 4>{v6[12], v6[13], v6[14], v6[15]});
  for (const auto& network : kV6) {
    if (Within(v6, network.prefix, network.bits)) return network.name;
  }
  return Within(v6, kGlobalUnicast, 3) ? std::string_view() : "not global unicast";
}

std::string_view WhyNotPublic(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, address, sizeof in);
    std::array<uint8_t, 4> bytes{};
    std::memcpy(bytes.data(), &in.sin_addr, bytes.size());
    return WhyNotPublic(bytes);
  }
  if (address->sa_family == AF_INET6) {
    sockaddr_in6 in{};
    std::memcpy(&in, address, sizeof in);
    std::array<uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), &in.sin6_addr, bytes.size());
    return WhyNotPublic(bytes);
  }
  return "no Internet address";
}

std::string AddressText(const sockaddr* address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address->sa_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in*>(address)->sin_addr, text, sizeof text);
  } else if (address->sa_family == AF_INET6) {
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, text, sizeof text);
  }
  return text;
}

}  // namespace vora::curl
