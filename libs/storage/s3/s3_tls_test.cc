#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "libs/rpc/testing/test_authority.h"
#include "libs/rpc/testing/tls_web_server.h"
#include "libs/storage/s3/s3_config.h"
#include "libs/storage/s3/s3_http.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::storage {
namespace {

class S3TlsTest : public ::testing::Test {
 protected:
  S3TlsTest() { std::signal(SIGPIPE, SIG_IGN); }
  static StatusOr<std::string> Get(const std::string& ca_file, const std::string& url) {
    HttpPool pool(ca_file);
    HttpRequest request;
    request.method = "GET";
    request.url = url;
    VORA_ASSIGN_OR_RETURN(const auto exchange, HttpExchange::Start(pool, request));
    return exchange->ReadRest(100);
  }
  const TempFolder temp_;
  const std::filesystem::path folder_ = temp_.path();
};

TEST_F(S3TlsTest, OnlyTheNamedAuthorityIsBelieved) {
  const rpc::testing::TestAuthority ours("Store CA"), other("Other CA");
  const auto identity = ours.Issue(folder_, "store");
  const rpc::testing::TlsWebServer server(identity, "object");
  EXPECT_EQ(*Get(identity.authority, server.url()), "object");
  EXPECT_THAT(Get("", server.url()), StatusIs(StatusCode::kFailedPrecondition)) << "the system knows no such authority";
  EXPECT_THAT(Get(other.Issue(folder_, "other").authority, server.url()), StatusIs(StatusCode::kFailedPrecondition));
  const auto missing = Get("/nowhere/ca.pem", server.url());
  EXPECT_THAT(missing, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Message(missing.status()), ::testing::HasSubstr("/nowhere/ca.pem"));
}

TEST_F(S3TlsTest, ACertificateOfAnotherNameIsRefused) {
  const rpc::testing::TestAuthority ours("Store CA");
  const auto identity = ours.Issue(folder_, "store", {.names = "DNS:store.example.org"});
  const rpc::testing::TlsWebServer server(identity, "object");
  EXPECT_THAT(Get(identity.authority, server.url()), StatusIs(StatusCode::kFailedPrecondition));
}

TEST(S3Config, TakesTheAuthorityFromItsSetting) {
  const auto getenv = [](const std::string& name) -> std::optional<std::string> {
    if (name == "VORA_S3_CA") return "/etc/vora/store-ca.pem";
    return name.ends_with("_KEY") ? std::optional<std::string>("x") : std::nullopt;
  };
  const auto config = ParseS3Url("s3://vora?endpoint=https://store.example.org", getenv);
  ASSERT_EQ(ToText(config.status()), "OK");
  EXPECT_EQ(config->ca_file, "/etc/vora/store-ca.pem");
}

}  // namespace
}  // namespace vora::storage
