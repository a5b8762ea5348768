#include "libs/rpc/tls.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include <fcntl.h>
#include <unistd.h>

#include <grpc/health/v1/health.grpc.pb.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include "libs/rpc/client.h"
#include "libs/rpc/server.h"
#include "libs/rpc/server_context.h"
#include "libs/rpc/status.h"
#include "libs/rpc/testing/echo_service.h"
#include "libs/rpc/testing/test_authority.h"
#include "libs/rpc/tls_files.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::rpc {
namespace {

using std::chrono::seconds;
using testing::EchoService;
using ::testing::HasSubstr;
using testing::TestAuthority;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

// What is logged goes to a file from here to the end of the scope.
class LogInFile {
 public:
  explicit LogInFile(std::filesystem::path path) : path_(std::move(path)), stderr_(dup(STDERR_FILENO)) {
    const int file = open(path_.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
    dup2(file, STDERR_FILENO);
    close(file);
  }
  ~LogInFile() {
    dup2(stderr_, STDERR_FILENO);
    close(stderr_);
  }
  bool WaitFor(const std::string& text) const {
    const auto deadline = std::chrono::steady_clock::now() + seconds(30);
    while (ReadFile(path_).find(text) == std::string::npos) {
      if (std::chrono::steady_clock::now() > deadline) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return true;
  }

 private:
  const std::filesystem::path path_;
  const int stderr_;
};

class TlsTest : public ::testing::Test {
 protected:
  void TearDown() override {
    if (server_) server_->Shutdown(seconds(1));
    server_.reset();
    SetFleetCredential(nullptr);
    EXPECT_THAT(UseTls({}), IsOk());
  }

  void Serve(const TlsSettings& identity, ServerOptions options = {}) {
    ASSERT_EQ(ToText(UseTls(identity)), "OK");
    readiness_.SetStarted();
    auto started = Server::Start(options, {&echo_}, readiness_, metrics_);
    ASSERT_EQ(ToText(started.status()), "OK");
    server_ = std::move(started).value();
  }
  std::string Address(const std::string& host = "127.0.0.1") const { return host + ":" + std::to_string(server_->port()); }
  // As a client of this identity on a connection of its own.
  Status SayAs(const TlsSettings& identity, const std::string& host = "127.0.0.1") {
    EXPECT_EQ(ToText(UseTls(identity)), "OK");
    return SayOn(*Connect(Address(host)));
  }
  static Status SayOn(grpc::Channel& channel) {
    grpc::ClientContext context;
    Prepare(context, seconds(10));
    return FromGrpc(EchoService::Say(channel, context, "hello"));
  }

  const TempFolder temp_;
  const std::filesystem::path folder_ = temp_.path();
  Readiness readiness_;
  obs::Metrics metrics_;
  Credentials shown_;
  EchoService echo_{[this](grpc::ServerContext& context, const std::string&) {
    shown_ = CredentialsOf(context);
    return grpc::Status::OK;
  }};
  std::unique_ptr<Server> server_;
};

TEST_F(TlsTest, PeersOfOneAuthorityKnowEachOther) {
  const TestAuthority fleet("Fleet CA");
  Serve(fleet.Issue(folder_, "orchestrator"));
  EXPECT_EQ(ToText(SayAs(fleet.Issue(folder_, "worker", {.names = "DNS:worker.vora.svc,IP:127.0.0.1"}))), "OK");
  EXPECT_EQ(shown_.tls_peer, "worker.vora.svc");
  EXPECT_EQ(shown_.authorization, "");
  EXPECT_EQ(ToText(SayAs(fleet.Issue(folder_, "nameless", {.names = ""}))), "OK");
  EXPECT_EQ(shown_.tls_peer, "nameless") << "without alternative names the common name counts";
  SetFleetCredential([] { return std::string("Bearer abc"); });
  EXPECT_EQ(ToText(SayAs(fleet.Issue(folder_, "worker"))), "OK");
  EXPECT_EQ(shown_.authorization, "Bearer abc");
}

TEST_F(TlsTest, StrangersAreRefused) {
  const TestAuthority fleet("Fleet CA"), other("Other CA");
  const TlsSettings server = fleet.Issue(folder_, "orchestrator");
  Serve(server);
  TlsSettings stranger = other.Issue(folder_, "stranger");
  stranger.authority = server.authority;  // it believes the server, the server does not believe it
  EXPECT_THAT(SayAs(stranger), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(SayAs({}), StatusIs(StatusCode::kUnavailable)) << "plaintext";
  TlsSettings doubtful = fleet.Issue(folder_, "doubtful");
  doubtful.authority = stranger.certificate;
  EXPECT_THAT(SayAs(doubtful), StatusIs(StatusCode::kUnavailable)) << "a server of another authority";
  EXPECT_EQ(ToText(SayAs(fleet.Issue(folder_, "worker"))), "OK");
}

TEST_F(TlsTest, AClientWithoutCertificateIsRefusedUnlessNoneIsAskedFor) {
  const TestAuthority fleet("Fleet CA");
  TlsSettings server = fleet.Issue(folder_, "orchestrator");
  const auto anonymous = [&] {
    grpc::SslCredentialsOptions options;
    options.pem_root_certs = ReadFile(server.authority);
    return SayOn(*grpc::CreateChannel(Address(), grpc::SslCredentials(options)));
  };
  Serve(server);
  EXPECT_THAT(anonymous(), StatusIs(StatusCode::kUnavailable));
  server_.reset();
  server.client_auth = "none";
  Serve(server);
  EXPECT_EQ(ToText(anonymous()), "OK");
  EXPECT_EQ(shown_.tls_peer, std::nullopt);
  EXPECT_EQ(ToText(SayAs(fleet.Issue(folder_, "worker"))), "OK");
  EXPECT_EQ(shown_.tls_peer, std::nullopt) << "who was not asked has proved nothing";
}

TEST_F(TlsTest, ClientsCheckTheNameOfTheServer) {
  const TestAuthority fleet("Fleet CA");
  Serve(fleet.Issue(folder_, "orchestrator", {.names = "DNS:orchestrator.vora.svc"}));
  const Status refused = SayAs(fleet.Issue(folder_, "worker"));
  EXPECT_THAT(refused, StatusIs(StatusCode::kUnavailable));
}

TEST_F(TlsTest, AnExpiredClientIsRefused) {
  const TestAuthority fleet("Fleet CA");
  const TlsSettings server = fleet.Issue(folder_, "orchestrator");
  Serve(server);
  const TlsSettings expired = fleet.Issue(folder_, "old", {.names = "IP:127.0.0.1", .begins = -7200, .ends = -60});
  const Status why = UseTls(expired);
  EXPECT_THAT(why, StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Message(why), HasSubstr("VORA_TLS_CERT=" + expired.certificate + ": the certificate expired at "));
  const grpc::SslCredentialsOptions options{ReadFile(expired.authority), ReadFile(expired.key), ReadFile(expired.certificate)};
  EXPECT_THAT(SayOn(*grpc::CreateChannel(Address(), grpc::SslCredentials(options))), StatusIs(StatusCode::kUnavailable));
  EXPECT_EQ(ToText(SayAs(fleet.Issue(folder_, "worker"))), "OK");
}

TEST_F(TlsTest, ARenewedIdentityIsTakenUpAndABrokenOneIsNot) {
  const TestAuthority old_fleet("Old CA"), new_fleet("New CA");
  Serve(old_fleet.Issue(folder_, "orchestrator"));
  // Another process: its identity stays while that of the server changes.
  const auto channel_of = [&](const TestAuthority& authority, const std::string& name) {
    const TlsSettings files = authority.Issue(folder_, name);
    return grpc::CreateChannel(Address(),
                               grpc::SslCredentials({ReadFile(files.authority), ReadFile(files.key), ReadFile(files.certificate)}));
  };
  EXPECT_EQ(ToText(SayOn(*channel_of(old_fleet, "a"))), "OK");

  // A key that does not fit: as in the middle of a careless renewal.
  {
    const LogInFile log(folder_ / "log");
    std::filesystem::copy_file(folder_ / "a.key", folder_ / "orchestrator.key", std::filesystem::copy_options::overwrite_existing);
    ASSERT_TRUE(log.WaitFor("is not the key of the certificate"));
  }
  EXPECT_EQ(ToText(SayOn(*channel_of(old_fleet, "b"))), "OK") << "the sound identity stays";

  new_fleet.Issue(folder_, "orchestrator");
  const auto deadline = std::chrono::steady_clock::now() + seconds(30);
  Status answer;
  do {
    answer = SayOn(*channel_of(new_fleet, "c"));
  } while (!answer.ok() && std::chrono::steady_clock::now() < deadline);
  EXPECT_EQ(ToText(answer), "OK");
  EXPECT_THAT(SayOn(*channel_of(old_fleet, "d")), StatusIs(StatusCode::kUnavailable)) << "the old authority is gone with it";
}

TEST_F(TlsTest, MistakesNameTheSettingAndTheFile) {
  const TestAuthority fleet("Fleet CA");
  const TlsSettings good = fleet.Issue(folder_, "a"), other = fleet.Issue(folder_, "b");
  EXPECT_EQ(ToText(good.Check()), "OK");
  EXPECT_EQ(ToText(TlsSettings{}.Check()), "OK");
  const auto problem = [&](std::string TlsSettings::*field, const std::string& value) {
    TlsSettings bad = good;
    bad.*field = value;
    const Status status = bad.Check();
    EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument));
    return Message(status);
  };
  EXPECT_THAT(problem(&TlsSettings::certificate, ""), HasSubstr("VORA_TLS_CERT: is missing"));
  EXPECT_THAT(problem(&TlsSettings::key, ""), HasSubstr("VORA_TLS_KEY: is missing"));
  EXPECT_THAT(problem(&TlsSettings::authority, ""), HasSubstr("VORA_TLS_CA: is missing"));
  EXPECT_THAT(problem(&TlsSettings::key, "/nowhere/x"), HasSubstr("VORA_TLS_KEY=/nowhere/x: cannot be read: No such file"));
  EXPECT_THAT(problem(&TlsSettings::certificate, good.key), HasSubstr("VORA_TLS_CERT=" + good.key + ": holds no certificate"));
  EXPECT_THAT(problem(&TlsSettings::authority, good.key), HasSubstr("VORA_TLS_CA=" + good.key + ": holds no certificate"));
  EXPECT_THAT(problem(&TlsSettings::key, good.certificate), HasSubstr("VORA_TLS_KEY=" + good.certificate + ": holds no private key"));
  EXPECT_THAT(problem(&TlsSettings::key, other.key), HasSubstr("VORA_TLS_KEY=" + other.key + ": is not the key of the certificate"));
}

TEST_F(TlsTest, TheExpiryIsAMetric) {
  const TestAuthority fleet("Fleet CA");
  Serve(fleet.Issue(folder_, "orchestrator", {.ends = 10 * 86'400}));
  const std::string text = metrics_.Expose();
  const auto at = text.find("\nvora_tls_certificate_expiry_seconds ");
  ASSERT_NE(at, std::string::npos) << text;
  EXPECT_NEAR(std::stod(text.substr(at + 37)), 10 * 86'400, 600);
}

TEST_F(TlsTest, ProbesInPlaintextSeeHealthAndNothingElse) {
  const TestAuthority fleet("Fleet CA");
  ServerOptions options;
  options.health_listen = "127.0.0.1:0";
  Serve(fleet.Issue(folder_, "orchestrator"), options);
  ASSERT_NE(server_->health_port(), 0);
  const auto channel = grpc::CreateChannel("127.0.0.1:" + std::to_string(server_->health_port()), grpc::InsecureChannelCredentials());
  const auto stub = grpc::health::v1::Health::NewStub(channel);
  for (const char* service : {"live", "ready"}) {
    grpc::ClientContext context;
    Prepare(context, seconds(10));
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    grpc::health::v1::HealthCheckResponse response;
    EXPECT_THAT(stub->Check(&context, request, &response), IsOk());
    EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING) << service;
  }
  EXPECT_THAT(SayOn(*channel), StatusIs(StatusCode::kUnimplemented));
}

}  // namespace
}  // namespace vora::rpc
