#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/http/server/client_limits_internal.h"
#include "libs/http/server/pace_internal.h"
#include "libs/http/server/server.h"
#include "libs/testing/status_matchers.h"

namespace vora::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;

const ClientLimits::Time kStart = std::chrono::steady_clock::now();

Address Numbered(int n) {
  Address address = *ParseAddress("10.0.0.0");
  address.bytes[14] = static_cast<unsigned char>(n >> 8);
  address.bytes[15] = static_cast<unsigned char>(n);
  return address;
}

TEST(ClientLimits, RequestsComeInBurstsOfTwiceTheRate) {
  ClientLimits limits({.requests_per_second = 2});
  const auto client = limits.Find(Numbered(1), kStart);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(limits.TakeRequest(*client, kStart).wait_seconds, 0) << i;
  EXPECT_EQ(limits.TakeRequest(*client, kStart).wait_seconds, 1);
  EXPECT_EQ(limits.TakeRequest(*client, kStart + milliseconds(500)).wait_seconds, 0);
  EXPECT_EQ(limits.TakeRequest(*client, kStart + milliseconds(500)).wait_seconds, 1);
  EXPECT_EQ(limits.TakeRequest(*client, kStart).wait_seconds, 1) << "a clock that went back gives nothing";
  for (int i = 0; i < 4; ++i) EXPECT_EQ(limits.TakeRequest(*client, kStart + seconds(100)).wait_seconds, 0) << i;
  EXPECT_EQ(limits.TakeRequest(*client, kStart + seconds(100)).wait_seconds, 1) << "no more than a burst is saved up";
  EXPECT_EQ(limits.TakeRequest(*limits.Find(Numbered(2), kStart), kStart).wait_seconds, 0) << "another client";
}

TEST(ClientLimits, WhoGoesOnInSpiteOfRefusalsIsHungUpOn) {
  ClientLimits limits({.requests_per_second = 0.01});
  const auto client = limits.Find(Numbered(1), kStart);
  EXPECT_EQ(limits.TakeRequest(*client, kStart).wait_seconds, 0);
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(limits.TakeRequest(*client, kStart).hang_up) << i;
  const auto last = limits.TakeRequest(*client, kStart);
  EXPECT_EQ(last.wait_seconds, 100);
  EXPECT_TRUE(last.hang_up);
  EXPECT_EQ(limits.TakeRequest(*client, kStart + seconds(100)).wait_seconds, 0);
  EXPECT_FALSE(limits.TakeRequest(*client, kStart + seconds(100)).hang_up);
}

TEST(ClientLimits, SlotsAreGivenBack) {
  ClientLimits limits({.connections = 2});
  const auto client = limits.Find(Numbered(1), kStart);
  ClientLimits::Slot a, b, c;
  EXPECT_TRUE(limits.Enter(client, a));
  EXPECT_TRUE(limits.Enter(client, b));
  EXPECT_FALSE(limits.Enter(client, c));
  EXPECT_FALSE(limits.Enter(client, c)) << "a refusal takes none";
  a.Release();
  a.Release();
  EXPECT_TRUE(limits.Enter(client, c));
  b = std::move(c);
  EXPECT_EQ(client->connections, 1) << "what a slot held is given back when it takes another";
}

TEST(ClientLimits, AnIpv6NetworkIsOneClient) {
  ClientLimits limits({.requests_per_second = 1});
  const auto find = [&](const char* text) { return limits.Find(*ParseAddress(text), kStart); };
  EXPECT_EQ(find("2001:db8::1"), find("2001:db8::ffff:2"));
  EXPECT_NE(find("2001:db8::1"), find("2001:db8:0:1::1"));
  EXPECT_NE(find("10.0.0.1"), find("10.0.0.2"));
}

TEST(ClientLimits, TheTableIsBoundedAndForgets) {
  ClientLimits limits({.connections = 1, .requests_per_second = 1, .max_clients = 160});
  const auto connected = limits.Find(Numbered(0), kStart);
  ClientLimits::Slot slot;
  ASSERT_TRUE(limits.Enter(connected, slot));
  for (int i = 1; i < 20'000; ++i) limits.Find(Numbered(i), kStart);
  EXPECT_LE(limits.clients(), 160U);
  EXPECT_EQ(limits.Find(Numbered(0), kStart), connected) << "who is connected is not forgotten";
  const size_t before = limits.clients();
  for (int i = 0; i < 160; ++i) limits.Find(Numbered(20'000 + i), kStart + std::chrono::hours(1));
  EXPECT_LE(limits.clients(), before);
  slot.Release();
  for (int i = 0; i < 2000; ++i) limits.Find(Numbered(i), kStart + std::chrono::hours(2 + i));
  EXPECT_LE(limits.clients(), 2 * 16U) << "the old go as new ones come, without the table being full";
}

TEST(Pace, ForgivesAStallButNotADrip) {
  Pace pace(1000, seconds(10));
  EXPECT_TRUE(pace.Moved(1, seconds(9))) << "a stall";
  EXPECT_TRUE(pace.Moved(64 << 10, milliseconds(1))) << "and what came after it";
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(pace.Moved(1, milliseconds(990))) << i;
  EXPECT_FALSE(pace.Moved(1, seconds(1)));
  pace.Restart();
  EXPECT_TRUE(pace.Moved(1, seconds(1)));
  EXPECT_TRUE(Pace(0, seconds(0)).Moved(0, seconds(100)));
}

TEST(DeclareLimits, ReadsWhatTheDaemonsShare) {
  ServerOptions options;
  SettingsSchema schema;
  DeclareLimits(schema, options);
  std::map<std::string, std::string> environment = {{"VORA_MAX_CONNECTIONS_PER_CLIENT", "7"},
                                                    {"VORA_MAX_REQUESTS_PER_SECOND_PER_CLIENT", "2.5"},
                                                    {"VORA_TRUSTED_PROXIES", "10.0.0.0/8, fd00::/8"},
                                                    {"VORA_HEADER_TIMEOUT", "3s"},
                                                    {"VORA_MIN_BODY_RATE", "1KiB"},
                                                    {"VORA_WRITE_TIMEOUT", "5s"}};
  const auto getenv = [&](const std::string& name) {
    const auto found = environment.find(name);
    return found == environment.end() ? std::nullopt : std::optional(found->second);
  };
  ASSERT_EQ(ToText(schema.Load(getenv)), "OK");
  EXPECT_EQ(options.max_connections_per_client, 7);
  EXPECT_EQ(options.max_requests_per_second_per_client, 2.5);
  EXPECT_THAT(options.trusted_proxies, ::testing::ElementsAre("10.0.0.0/8", "fd00::/8"));
  EXPECT_EQ(options.header_timeout, seconds(3));
  EXPECT_EQ(options.min_body_rate, 1024);
  EXPECT_EQ(options.write_timeout, seconds(5));
  environment["VORA_MAX_CONNECTIONS_PER_CLIENT"] = "-1";
  EXPECT_THAT(Message(schema.Load(getenv)), HasSubstr("VORA_MAX_CONNECTIONS_PER_CLIENT"));

  obs::Metrics metrics;
  options.trusted_proxies = {"10.0.0.0/99"};
  Server server(options, metrics);
  const Status status = server.Start();
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Message(status), HasSubstr("VORA_TRUSTED_PROXIES"));
}

}  // namespace
}  // namespace vora::http
