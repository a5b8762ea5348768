#include "libs/http/message/client_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"

namespace vora::http {
namespace {

TEST(ClientAddress, OnlyTheNetworkIsKept) {
  const std::pair<const char*, const char*> cases[] = {
      {"203.0.113.77", "203.0.113.0/24"},
      {"203.0.113.77:5000", "203.0.113.0/24"},
      {"::ffff:203.0.113.77", "203.0.113.0/24"},
      {"2001:db8:aaaa:bbbb::1", "2001:db8:aaaa::/48"},
      {"[2001:db8:aaaa:bbbb::1]:443", "2001:db8:aaaa::/48"},
      {"fe80::1%eth0", "fe80::/48"},
      {"  10.1.2.3 ", "10.1.2.0/24"},
  };
  for (const auto& [text, network] : cases) {
    const auto address = ParseAddress(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->Network(), network) << text;
  }
  for (const char* bad : {"", "unknown", "256.1.1.1", "1.2.3", "_hidden", "::g"}) EXPECT_FALSE(ParseAddress(bad)) << bad;
}

TEST(ClientAddress, TheLastUntrustedHopIsTheClient) {
  const auto trusted = ParseCidrs({"127.0.0.0/8", "::1", "10.0.0.0/9"});
  ASSERT_EQ(ToText(trusted.status()), "OK");
  struct Case {
    const char *peer, *forwarded, *client;
  };
  const Case cases[] = {
      {"198.51.100.1", "1.2.3.4", "198.51.100.0/24"},  // a peer that is not trusted says nothing of others
      {"127.0.0.1", "", "127.0.0.0/24"},
      {"127.0.0.1", "203.0.113.9", "203.0.113.0/24"},
      {"127.0.0.1", "6.6.6.6, 203.0.113.9", "203.0.113.0/24"},  // what the client made up stands in front
      {"127.0.0.1", "6.6.6.6, 203.0.113.9, 10.0.0.5", "203.0.113.0/24"},
      {"127.0.0.1", "203.0.113.9, 10.200.0.5", "10.200.0.0/24"},  // outside of 10.0.0.0/9
      {"::1", "2001:db8::5", "2001:db8::/48"},
      {"127.0.0.1", "nonsense", "127.0.0.0/24"},
      {"127.0.0.1", "10.0.0.4, 10.0.0.5", "10.0.0.0/24"},
  };
  for (const Case& c : cases) {
    const auto client = ClientAddress(c.peer, c.forwarded, *trusted);
    ASSERT_TRUE(client) << c.forwarded;
    EXPECT_EQ(client->Network(), c.client) << c.peer << " " << c.forwarded;
  }
  EXPECT_FALSE(ClientAddress("", "1.2.3.4", *trusted));
}

TEST(ClientAddress, BadNetworksAreNamed) {
  for (const char* bad : {"10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/x", "host"}) {
    const auto parsed = ParseCidrs({"::1", bad});
    EXPECT_THAT(parsed, StatusIs(StatusCode::kInvalidArgument)) << bad;
    EXPECT_THAT(Message(parsed.status()), ::testing::HasSubstr(bad));
  }
}

TEST(ClientAddress, NoneTrustsNobody) {
  EXPECT_TRUE(ParseCidrs({"none"})->empty());
  EXPECT_THAT(ParseCidrs({"none", "::1"}), ::testing::Not(IsOk()));
}

TEST(ClientAddress, TextIsTheWholeAddress) {
  EXPECT_EQ(ParseAddress("[::ffff:203.0.113.77]:80")->Text(), "203.0.113.77");
  EXPECT_EQ(ParseAddress("2001:DB8:0::1")->Text(), "2001:db8::1");
}

}  // namespace
}  // namespace vora::http
