#include "libs/daemon/command_line.h"

#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"

namespace vora::daemon_internal {
namespace {

TEST(CommandLineTest, ListenAddresses) {
  for (const char* good : {"127.0.0.1:9081", "0.0.0.0:0", "[::1]:65535", "localhost:80", "[::]:9081"}) {
    EXPECT_THAT(CheckListenAddress(good), IsOk()) << good;
  }
  for (const char* bad : {"", ":", ":9081", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:-1", "127.0.0.1:http", "::1:9081"}) {
    EXPECT_THAT(CheckListenAddress(bad), StatusIs(StatusCode::kInvalidArgument)) << bad;
  }
}

TEST(CommandLineTest, LocalUrlReachesWildcardAddresses) {
  EXPECT_EQ(LocalUrl("127.0.0.1:9181", "/readyz"), "http://127.0.0.1:9181/readyz");
  EXPECT_EQ(LocalUrl("0.0.0.0:9181", "/readyz"), "http://127.0.0.1:9181/readyz");
  EXPECT_EQ(LocalUrl("[::]:9181", "/readyz"), "http://[::1]:9181/readyz");
}

TEST(CommandLineTest, WithPortKeepsTheHost) {
  EXPECT_EQ(WithPort("[::1]:0", 9181), "[::1]:9181");
  EXPECT_EQ(WithPort("127.0.0.1:0", 1), "127.0.0.1:1");
}

}  // namespace
}  // namespace vora::daemon_internal
