// TLS between daemons by settings alone.

#include <gmock/gmock.h>
#include <grpc/health/v1/health.grpc.pb.h>
#include <gtest/gtest.h>

#include "libs/rpc/client.h"
#include "libs/rpc/testing/test_authority.h"
#include "libs/testing/child_process.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora {
namespace {

using ::testing::HasSubstr;

class DaemonTlsTest : public ::testing::Test {
 protected:
  ~DaemonTlsTest() override { EXPECT_THAT(rpc::UseTls({}), IsOk()); }
  static std::map<std::string, std::string> Environment(const rpc::TlsSettings& tls) {
    return {{"VORA_AUTH", "none"}, {"VORA_TLS_CERT", tls.certificate}, {"VORA_TLS_KEY", tls.key}, {"VORA_TLS_CA", tls.authority}};
  }
  static grpc::StatusCode AskAs(const rpc::TlsSettings& identity, const std::string& address) {
    EXPECT_EQ(ToText(rpc::UseTls(identity)), "OK");
    const auto stub = grpc::health::v1::Health::NewStub(rpc::Connect(address));
    grpc::ClientContext context;
    rpc::Prepare(context, std::chrono::seconds(20));
    grpc::health::v1::HealthCheckResponse response;
    return stub->Check(&context, {}, &response).error_code();
  }
  const TempFolder temp_;
  const std::filesystem::path folder_ = temp_.path();
};

TEST_F(DaemonTlsTest, ServesItsPeersAndNobodyElse) {
  const rpc::testing::TestAuthority fleet("Fleet CA"), other("Other CA");
  ChildProcess process(SAMPLE_DAEMON, {}, Environment(fleet.Issue(folder_, "sample")));
  const auto listening = process.WaitForLog("listening");
  ASSERT_TRUE(listening) << process.err();
  const std::string address = (*listening)["grpc"];
  EXPECT_EQ(AskAs(fleet.Issue(folder_, "peer"), address), grpc::StatusCode::OK);
  EXPECT_EQ(AskAs({}, address), grpc::StatusCode::UNAVAILABLE);
  EXPECT_EQ(AskAs(other.Issue(folder_, "stranger"), address), grpc::StatusCode::UNAVAILABLE);
}

TEST_F(DaemonTlsTest, AKeyThatDoesNotFitIsNamedAtStart) {
  const rpc::testing::TestAuthority fleet("Fleet CA");
  rpc::TlsSettings mixed = fleet.Issue(folder_, "sample");
  mixed.key = fleet.Issue(folder_, "another").key;
  ChildProcess process(SAMPLE_DAEMON, {}, Environment(mixed));
  EXPECT_EQ(process.Wait(), 2);
  EXPECT_THAT(process.err(), HasSubstr("VORA_TLS_KEY=" + mixed.key + ": is not the key of the certificate VORA_TLS_CERT="));
}

}  // namespace
}  // namespace vora
