// Who may record and erase over gRPC; players need no token.

#include <gmock/gmock.h>

#include "libs/auth/testing/test_tokens.h"
#include "libs/daemon/authorization.h"
#include "libs/rpc/client.h"
#include "libs/rpc/server.h"
#include "libs/rpc/testing/every_method.h"
#include "libs/run/lifecycle.h"
#include "services/analytics-ingest/test_ingest.h"
#include "vora/analytics/v1/analytics.grpc.pb.h"

namespace vora::analytics {
namespace {

using auth::TestTokens;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

TEST_F(IngestTest, EveryMethodOfEveryServiceAsksWhoCalls) {
  const TestTokens tokens;
  authorizer_ = Authorization(tokens.authenticator()).rpc;
  ASSERT_NO_FATAL_FAILURE(Start());
  Readiness readiness;
  obs::Metrics metrics;
  auto server = rpc::Server::Start({}, {app_->grpc_service()}, readiness, metrics);
  ASSERT_EQ(ToText(server.status()), "OK");
  const auto channel = rpc::Connect("127.0.0.1:" + std::to_string((*server)->port()));
  const std::string service = "vora.analytics.v1.AnalyticsIngest";
  const auto nobody = rpc::testing::CallEveryMethod(channel, service);
  EXPECT_THAT(nobody, Not(IsEmpty()));
  EXPECT_THAT(nobody, Each(Pair(::testing::_, grpc::StatusCode::UNAUTHENTICATED)));
  EXPECT_THAT(rpc::testing::CallEveryMethod(channel, service, TestTokens::Bearer("acme", "read upload")),
              Each(Pair(::testing::_, grpc::StatusCode::PERMISSION_DENIED)));

  const auto stub = v1::AnalyticsIngest::NewStub(channel);
  grpc::ClientContext context;
  context.AddMetadata("authorization", TestTokens::Bearer("acme", "operate"));
  v1::EraseViewerRequest request;
  request.set_tenant("other");
  request.set_viewer_id("bob");
  v1::EraseViewerResponse response;
  EXPECT_EQ(stub->EraseViewer(&context, request, &response).error_code(), grpc::StatusCode::PERMISSION_DENIED) << "of another tenant";
  (*server)->Shutdown(std::chrono::milliseconds(1000));
}

}  // namespace
}  // namespace vora::analytics
