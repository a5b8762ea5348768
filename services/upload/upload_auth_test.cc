// Who may do what with whose uploads.

#include <atomic>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/auth/testing/test_tokens.h"
#include "libs/rpc/client.h"
#include "libs/rpc/server.h"
#include "libs/rpc/testing/every_method.h"
#include "libs/run/lifecycle.h"
#include "libs/testing/status_matchers.h"
#include "services/upload/harness_test.h"
#include "vora/upload/v1/upload.grpc.pb.h"

namespace vora::upload {
namespace {

using auth::TestTokens;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

class UploadAuthTest : public ::testing::Test {
 protected:
  UploadAuthTest()
      : store_(OpenStore(folder_.path())), replica_(*store_, TestSettings(), Clock::Real(), Authorization(tokens_.authenticator())) {
    auto server = rpc::Server::Start({}, {replica_.app().grpc_service()}, readiness_, metrics_);
    EXPECT_THAT(server, IsOk());
    server_ = *std::move(server);
    channel_ = rpc::Connect("127.0.0.1:" + std::to_string(server_->port()));
    stub_ = v1::UploadService::NewStub(channel_);
  }
  ~UploadAuthTest() override { server_->Shutdown(std::chrono::milliseconds(1000)); }

  static Tus::Fields As(const std::string& tenant, const std::string& scopes) {
    return {{"Authorization", TestTokens::Bearer(tenant, scopes)}};
  }
  // HEAD and DELETE as another client would send them.
  int Ask(const std::string& method, const std::string& url, Tus::Fields fields) {
    fields.emplace_back("Tus-Resumable", "1.0.0");
    return tus_.Send(method, url, fields).status;
  }
  grpc::StatusCode Get(const std::string& url, const std::string& authorization, v1::Upload* upload) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", authorization);
    v1::GetUploadRequest request;
    request.set_upload_id(IdOf(url));
    return stub_->GetUpload(&context, request, upload).error_code();
  }

  TempFolder folder_;
  TestTokens tokens_;
  std::unique_ptr<storage::ObjectStore> store_;
  Replica replica_;
  Readiness readiness_;
  obs::Metrics metrics_;
  std::unique_ptr<rpc::Server> server_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::UploadService::Stub> stub_;
  Tus tus_;
};

TEST_F(UploadAuthTest, EveryMethodOfEveryServiceAsksWhoCalls) {
  const auto answers = rpc::testing::CallEveryMethod(channel_, "vora.upload.v1.UploadService");
  EXPECT_THAT(answers, SizeIs(2));
  EXPECT_THAT(answers, Each(Pair(::testing::_, grpc::StatusCode::UNAUTHENTICATED)));
  const auto denied = rpc::testing::CallEveryMethod(channel_, "vora.upload.v1.UploadService", TestTokens::Bearer("acme", "write operate"));
  EXPECT_THAT(denied, Each(Pair(::testing::_, grpc::StatusCode::PERMISSION_DENIED)));
}

TEST_F(UploadAuthTest, WithoutATokenNothingIsAnsweredButWhatTheServerCan) {
  const std::string url = replica_.url();
  const auto refused = tus_.Post(url, {{"Upload-Length", "3"}}, "abc");
  EXPECT_EQ(refused.status, 401);
  EXPECT_THAT(refused.headers.GetOr("WWW-Authenticate", ""), HasSubstr("Bearer"));
  EXPECT_THAT(refused.body, HasSubstr("UNAUTHENTICATED"));
  for (const char* method : {"HEAD", "PATCH", "DELETE", "GET", "POST"})
    EXPECT_EQ(Ask(method, url + std::string(32, 'a'), {}), 401) << method;
  EXPECT_EQ(Ask("POST", url, {{"Authorization", "Bearer nonsense"}}), 401);
  EXPECT_EQ(Ask("POST", url, As("acme", "read write operate")), 403);
  EXPECT_EQ(Ask("OPTIONS", url, {}), 204) << "browsers ask it before they show their token";
  for (const char* method : {"POST", "PATCH", "HEAD", "DELETE", "patch"}) {
    const Tus::Fields fields = {{"X-HTTP-Method-Override", method}, {"Upload-Length", "3"}};
    EXPECT_EQ(Ask("OPTIONS", url, fields), 401) << method;
    EXPECT_EQ(Ask("OPTIONS", url + std::string(32, 'a'), fields), 401) << method;
  }
  EXPECT_THAT(Keys(*store_, "raw/"), ::testing::IsEmpty());
}

TEST_F(UploadAuthTest, AnUploadIsItsTenantsAlone) {
  const std::string url = tus_.Create(replica_.url(), 6, As("acme", "upload"));
  auto stranger = As("other", "upload");
  EXPECT_EQ(tus_.Patch(url, 0, "evil!!", stranger).status, 404);
  EXPECT_EQ(Ask("HEAD", url, stranger), 404);
  EXPECT_EQ(Ask("DELETE", url, stranger), 404);
  EXPECT_EQ(tus_.Patch(url, 0, "abc", As("acme", "upload")).status, 204);

  v1::Upload upload;
  EXPECT_EQ(Get(url, TestTokens::Bearer("other", "upload read"), &upload), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(Get(url, TestTokens::Bearer("acme", "read"), &upload), grpc::StatusCode::OK);
  EXPECT_EQ(upload.tenant(), "acme");
  EXPECT_EQ(Get(url, tokens_.Fleet(), &upload), grpc::StatusCode::OK) << "daemons work for every tenant";

  EXPECT_EQ(tus_.Patch(url, 3, "def", As("acme", "upload")).status, 204);
  EXPECT_EQ(Original(*store_, url), "abcdef");
}

TEST(UploadReadsTest, HeadAndPatchReadTheStateOnceWithAuthenticationOn) {
  const TempFolder folder;
  const TestTokens tokens;
  FaultyStore store(OpenStore(folder.path()));
  Replica replica(store, TestSettings(), Clock::Real(), Authorization(tokens.authenticator()));
  Tus tus;
  const Tus::Fields acme = {{"Authorization", TestTokens::Bearer("acme", "upload")}};
  const std::string url = tus.Create(replica.url(), 6, acme);
  std::atomic<int> reads{0};
  store.Rule([&reads](std::string_view call, const std::string&) {
    if (call == "Open") ++reads;
    return FaultyStore::Verdict::kPass;
  });
  EXPECT_EQ(tus.Send("HEAD", url, {acme[0], {"Tus-Resumable", "1.0.0"}}).status, 200);
  EXPECT_EQ(reads.exchange(0), 1);
  EXPECT_EQ(tus.Patch(url, 0, "abc", acme).status, 204);
  EXPECT_EQ(reads.exchange(0), 1);
  const Tus::Fields other = {{"Authorization", TestTokens::Bearer("other", "upload")}};
  EXPECT_EQ(tus.Patch(url, 3, "def", other).status, 404);
  EXPECT_EQ(reads.exchange(0), 1);
}

}  // namespace
}  // namespace vora::upload
