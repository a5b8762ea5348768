#include "libs/curl/public_address.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>

namespace vora::curl {
namespace {

std::string Why(const std::string& text) {
  sockaddr_storage storage{};
  auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
  if (inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
  } else {
    EXPECT_EQ(inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr), 1) << text;
    v6->sin6_family = AF_INET6;
  }
  const auto* address = reinterpret_cast<const sockaddr*>(&storage);
  if (address->sa_family == AF_INET) {
    EXPECT_EQ(AddressText(address), text);
  }
  return std::string(WhyNotPublic(address));
}

struct Case {
  const char* address;
  const char* why;
};

TEST(WebhookAddressTest, V4) {
  const Case cases[] = {
      {"0.0.0.0", "this network"},
      {"0.1.2.3", "this network"},
      {"0.255.255.255", "this network"},
      {"1.0.0.0", ""},
      {"9.255.255.255", ""},
      {"10.0.0.0", "private"},
      {"10.255.255.255", "private"},
      {"11.0.0.0", ""},
      {"100.63.255.255", ""},
      {"100.64.0.0", "shared by a carrier"},
      {"100.127.255.255", "shared by a carrier"},
      {"100.128.0.0", ""},
      {"126.255.255.255", ""},
      {"127.0.0.1", "loopback"},
      {"127.255.255.255", "loopback"},
      {"128.0.0.0", ""},
      {"169.253.255.255", ""},
      {"169.254.0.0", "link-local"},
      {"169.254.169.254", "link-local"},
      {"169.255.0.0", ""},
      {"172.15.255.255", ""},
      {"172.16.0.0", "private"},
      {"172.31.255.255", "private"},
      {"172.32.0.0", ""},
      {"192.0.0.1", "for protocols"},
      {"192.0.0.192", "for protocols"},
      {"192.0.1.0", ""},
      {"192.0.2.1", "documentation"},
      {"192.88.99.1", "6to4 relay"},
      {"192.167.255.255", ""},
      {"192.168.0.0", "private"},
      {"192.168.255.255", "private"},
      {"192.169.0.0", ""},
      {"198.17.255.255", ""},
      {"198.18.0.0", "benchmarking"},
      {"198.19.255.255", "benchmarking"},
      {"198.20.0.0", ""},
      {"198.51.100.7", "documentation"},
      {"203.0.113.7", "documentation"},
      {"223.255.255.255", ""},
      {"224.0.0.1", "multicast"},
      {"239.255.255.255", "multicast"},
      {"240.0.0.1", "reserved or broadcast"},
      {"255.255.255.255", "reserved or broadcast"},
      {"8.8.8.8", ""},
      {"93.184.216.34", ""},
  };
  for (const Case& c : cases) EXPECT_EQ(Why(c.address), c.why) << c.address;
}

TEST(WebhookAddressTest, V6) {
  const Case cases[] = {
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"::2", "not global unicast"},
      {"::127.0.0.1", "not global unicast"},
      {"::ffff:127.0.0.1", "loopback"},
      {"::ffff:10.1.2.3", "private"},
      {"::ffff:169.254.169.254", "link-local"},
      {"::ffff:8.8.8.8", ""},
      {"64:ff9b::7f00:1", "loopback"},
      {"64:ff9b::a9fe:a9fe", "link-local"},
      {"64:ff9b::808:808", ""},
      {"64:ff9b:0:0:1::808:808", "not global unicast"},
      {"64:ff9b:1::808:808", "local NAT64"},
      {"100::1", "not global unicast"},
      {"1fff:ffff::1", "not global unicast"},
      {"2001::1", "for protocols or Teredo"},
      {"2001:1ff::1", "for protocols or Teredo"},
      {"2001:200::1", ""},
      {"2001:db8::1", "documentation"},
      {"2001:4860:4860::8888", ""},
      {"2002:7f00:1::", "6to4"},
      {"2002:a9fe:a9fe::1", "6to4"},
      {"2003::1", ""},
      {"2606:2800:220:1::1", ""},
      {"3ffe::1", ""},
      {"3fff::1", "documentation"},
      {"3fff:1000::1", ""},
      {"4000::1", "not global unicast"},
      {"5f00::1", "not global unicast"},
      {"fc00::1", "unique local"},
      {"fd00:ec2::254", "unique local"},
      {"fdff:ffff::1", "unique local"},
      {"fe80::1", "link-local"},
      {"febf::1", "link-local"},
      {"fec0::1", "site-local"},
      {"ff02::1", "multicast"},
  };
  for (const Case& c : cases) EXPECT_EQ(Why(c.address), c.why) << c.address;
}

TEST(WebhookAddressTest, OtherFamiliesAreRefused) {
  sockaddr address{};
  address.sa_family = AF_UNIX;
  EXPECT_EQ(WhyNotPublic(&address), "no Internet address");
}

}  // namespace
}  // namespace vora::curl
