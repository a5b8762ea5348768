#pragma once

// Which addresses calls may go to that other people name: those of the public Internet and no other. Pure.

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace vora::curl {

// Why the address is not public, e.g. "loopback"; "" when it is. Follows the IANA special-purpose registries (RFC 6890); an IPv6 address
// that carries an IPv4 one (mapped, NAT64) is judged by that; whatever is not global unicast is refused.
std::string_view WhyNotPublic(const std::array<uint8_t, 4>& v4);
std::string_view WhyNotPublic(const std::array<uint8_t, 16>& v6);
std::string_view WhyNotPublic(const sockaddr* address);
// "192.0.2.1", "2001:db8::1".
std::string AddressText(const sockaddr* address);

}  // namespace vora::curl
