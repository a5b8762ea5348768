// Who a client is, what of it is stored, and how much it may send.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include <sys/stat.h>

#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"
#include "services/analytics-ingest/events/viewer_hash.h"
#include "services/analytics-ingest/intake/client_limits.h"

namespace vora::analytics {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

class ClientLimitsTest : public ::testing::Test {
 protected:
  static Address Numbered(int n) {
    Address address = *ParseAddress("10.0.0.0");
    address.bytes[13] = static_cast<unsigned char>(n >> 16);
    address.bytes[14] = static_cast<unsigned char>(n >> 8);
    address.bytes[15] = static_cast<unsigned char>(n);
    return address;
  }
  const ClientLimits::Time start_ = std::chrono::steady_clock::now();
};

TEST_F(ClientLimitsTest, TellsHowLongToWait) {
  ClientLimits limits({.events_per_second = 10, .events_burst = 100, .requests_per_second = 2, .requests_burst = 3, .max_clients = 100});
  const Address client = Numbered(1);
  EXPECT_EQ(limits.TakeEvents(client, 100, start_), 0);
  EXPECT_EQ(limits.TakeEvents(client, 50, start_), 5);
  EXPECT_EQ(limits.TakeEvents(client, 50, start_ + seconds(4)), 1);
  EXPECT_EQ(limits.TakeEvents(client, 50, start_ + seconds(5)), 0);
  EXPECT_EQ(limits.TakeEvents(Numbered(2), 100, start_), 0) << "another client has a bucket of its own";
  const Address other = Numbered(3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(limits.TakeRequest(other, start_), 0);
  EXPECT_EQ(limits.TakeRequest(other, start_), 1);
  EXPECT_EQ(limits.TakeRequest(other, start_ + milliseconds(500)), 0);
}

TEST_F(ClientLimitsTest, ARequestIsRefusedWhenNoEventIsLeft) {
  ClientLimits limits({.events_per_second = 1, .events_burst = 5, .requests_per_second = 0, .requests_burst = 1, .max_clients = 100});
  EXPECT_EQ(limits.TakeRequest(Numbered(1), start_), 0);
  EXPECT_EQ(limits.TakeEvents(Numbered(1), 5, start_), 0);
  EXPECT_EQ(limits.TakeRequest(Numbered(1), start_), 1);
  ClientLimits unlimited({.events_per_second = 0, .events_burst = 1, .requests_per_second = 0, .requests_burst = 1, .max_clients = 100});
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_EQ(unlimited.TakeRequest(Numbered(1), start_), 0);
    ASSERT_EQ(unlimited.TakeEvents(Numbered(1), 1'000'000, start_), 0);
  }
}

TEST_F(ClientLimitsTest, TheTableIsBounded) {
  ClientLimits limits({.events_per_second = 1, .events_burst = 5, .requests_per_second = 1, .requests_burst = 5, .max_clients = 800});
  for (int i = 0; i < 100'000; ++i) limits.TakeRequest(Numbered(i), start_);
  EXPECT_LE(limits.clients(), 800u);
  EXPECT_GE(limits.clients(), 700u);
}

TEST_F(ClientLimitsTest, BytesInFlightAreGivenBack) {
  ClientLimits limits({.events_per_second = 0, .events_burst = 1, .requests_per_second = 0, .requests_burst = 1, .max_clients = 800});
  EXPECT_TRUE(limits.TakeBytes(Numbered(1), 60, 100, start_));
  EXPECT_FALSE(limits.TakeBytes(Numbered(1), 60, 100, start_));
  EXPECT_TRUE(limits.TakeBytes(Numbered(2), 60, 100, start_));
  limits.GiveBytes(Numbered(1), 60);
  EXPECT_TRUE(limits.TakeBytes(Numbered(1), 100, 100, start_));
  limits.GiveBytes(Numbered(77), 60);  // forgotten
}

TEST_F(ClientLimitsTest, AnIpv6NetworkIsOneClient) {
  ClientLimits limits({.events_per_second = 1, .events_burst = 5, .requests_per_second = 1, .requests_burst = 1, .max_clients = 800});
  EXPECT_EQ(limits.TakeRequest(*ParseAddress("2001:db8::1"), start_), 0);
  EXPECT_EQ(limits.TakeRequest(*ParseAddress("2001:db8::ffff:2"), start_), 1);
  EXPECT_EQ(limits.TakeRequest(*ParseAddress("2001:db8:0:1::1"), start_), 0);
}

TEST(ViewerHash, RotatesAndCanBeFoundAgain) {
  ViewerHashOptions options;
  options.secret = "0123456789abcdef";
  options.period = hours(24);
  options.retention = hours(24 * 10);
  const ViewerHasher hasher(options);
  constexpr int64_t kDay = 86'400'000;
  const int64_t now = 20'000 * kDay + 5;
  const std::string today = hasher.Hash("default", "bob", now);
  EXPECT_EQ(today.size(), 32u);
  EXPECT_EQ(today, hasher.Hash("default", "bob", now + kDay - 10));
  EXPECT_NE(today, hasher.Hash("default", "bob", now - kDay));
  EXPECT_NE(today, hasher.Hash("default", "eve", now));
  EXPECT_NE(today, hasher.Hash("acme", "bob", now));
  EXPECT_EQ(hasher.Hash("default", "", now), "");
  const auto found = hasher.AllHashes("default", "bob", now);
  const std::set<std::string> all(found.begin(), found.end());
  for (int day = 0; day <= 10; ++day) EXPECT_TRUE(all.contains(hasher.Hash("default", "bob", now - day * kDay))) << day;

  options.mode = ViewerHashMode::kStable;
  const ViewerHasher stable(options);
  EXPECT_EQ(stable.Hash("default", "bob", now), stable.Hash("default", "bob", now + 400 * kDay));
  EXPECT_TRUE(all.contains(stable.Hash("default", "bob", now))) << "also what was written before the mode was changed";
  options.mode = ViewerHashMode::kNone;
  EXPECT_EQ(ViewerHasher(options).Hash("default", "bob", now), "");
  options.mode = ViewerHashMode::kRotating;
  options.secret = "another secret!!";
  EXPECT_NE(ViewerHasher(options).Hash("default", "bob", now), today);
}

TEST(ViewerHash, TheSecretIsMadeOnceAndPrivate) {
  const TempFolder folder;
  const std::string directory = folder / "spool";
  const auto first = LoadOrMakeSecret(directory);
  ASSERT_EQ(ToText(first.status()), "OK");
  EXPECT_EQ(first->size(), 64u);
  EXPECT_EQ(*LoadOrMakeSecret(directory), *first);
  struct stat info {};
  ASSERT_EQ(::stat((directory + "/viewer-secret").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777u, 0600u);
  std::ofstream(directory + "/viewer-secret") << first->substr(0, 20);
  const Status cut = LoadOrMakeSecret(directory).status();
  EXPECT_THAT(cut, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_NE(ToText(cut).find("VORA_VIEWER_SECRET"), std::string::npos);
  EXPECT_EQ(std::filesystem::file_size(directory + "/viewer-secret"), 20u);
  EXPECT_THAT(LoadOrMakeSecret("/proc/none"), StatusIs(StatusCode::kUnavailable));
}

}  // namespace
}  // namespace vora::analytics
