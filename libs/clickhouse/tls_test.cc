#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "libs/clickhouse/client.h"
#include "libs/rpc/testing/test_authority.h"
#include "libs/rpc/testing/tls_web_server.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::clickhouse {
namespace {

TEST(ClientTls, OnlyTheNamedAuthorityIsBelieved) {
  std::signal(SIGPIPE, SIG_IGN);
  const TempFolder folder;
  {
    const rpc::testing::TestAuthority ours("ClickHouse CA");
    const auto identity = ours.Issue(folder.path(), "clickhouse");
    const rpc::testing::TlsWebServer server(identity, "1\n");
    Options options;
    options.url = server.url();
    EXPECT_THAT(Client(options).Query("SELECT 1"), ::testing::Not(IsOk())) << "the system knows no such authority";
    options.ca_file = identity.authority;
    const auto answer = Client(options).Query("SELECT 1");
    EXPECT_EQ(ToText(answer.status()), "OK");
    EXPECT_EQ(*answer, "1\n");
  }
}

}  // namespace
}  // namespace vora::clickhouse
