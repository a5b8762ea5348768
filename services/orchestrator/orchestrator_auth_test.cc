// The real daemon with authentication on.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "libs/auth/testing/test_tokens.h"
#include "libs/pg/testing/test_postgres.h"
#include "libs/rpc/client.h"
#include "libs/rpc/testing/every_method.h"
#include "libs/testing/child_process.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::orchestrator {
namespace {

using auth::TestTokens;
using ::testing::Contains;
using ::testing::Each;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;

TEST(OrchestratorAuthTest, EveryMethodOfEveryServiceAsksWhoCalls) {
  ChildProcess process(ORCHESTRATOR, {},
                       {{"VORA_DATABASE_URL", pg::TestPostgres::Shared().NewDatabase()},
                        {"VORA_JWT_SECRET", TestTokens::kSecret},
                        {"VORA_JWT_AUDIENCE", "vora"},
                        {"VORA_FLEET_SECRET", TestTokens::kFleetSecret},
                        {"VORA_GRPC_LISTEN", "127.0.0.1:0"},
                        {"VORA_ADMIN_LISTEN", "127.0.0.1:0"}});
  const auto listening = process.WaitForLog("listening");
  ASSERT_TRUE(listening) << process.err();
  const auto channel = rpc::Connect((*listening)["grpc"]);
  const std::string reader = TestTokens::Bearer("acme", "read write upload"), operators = TestTokens::Bearer("acme", "operate");
  for (const char* service : {"vora.workflow.v1.WorkflowService", "vora.workflow.v1.ActivityService"}) {
    const auto nobody = rpc::testing::CallEveryMethod(channel, service);
    EXPECT_THAT(nobody, Not(IsEmpty())) << service;
    EXPECT_THAT(nobody, Each(Pair(::testing::_, grpc::StatusCode::UNAUTHENTICATED))) << service;
    EXPECT_THAT(rpc::testing::CallEveryMethod(channel, service, reader), Each(Pair(::testing::_, grpc::StatusCode::PERMISSION_DENIED)));
  }
  const auto activities = rpc::testing::CallEveryMethod(channel, "vora.workflow.v1.ActivityService", operators);
  EXPECT_THAT(activities, Contains(Pair("CompleteActivity", grpc::StatusCode::PERMISSION_DENIED))) << "operators do no work of workers";
  EXPECT_THAT(activities, Contains(Pair("DescribeQueues", grpc::StatusCode::OK)));
  EXPECT_THAT(activities, Contains(Pair("ListQueueSettings", grpc::StatusCode::OK)));
  EXPECT_THAT(activities, Contains(Pair("SetTenantSettings", grpc::StatusCode::INVALID_ARGUMENT))) << "let in, but it names no tenant";
  const auto workflows = rpc::testing::CallEveryMethod(channel, "vora.workflow.v1.WorkflowService", operators);
  EXPECT_THAT(workflows, Contains(Pair("StartWorkflow", grpc::StatusCode::PERMISSION_DENIED))) << "what is run only the fleet says";
  EXPECT_THAT(workflows, Contains(Pair("ListWorkflows", grpc::StatusCode::OK)));
  process.Signal(SIGTERM);
  EXPECT_EQ(process.Wait(), 0) << process.err();
}

}  // namespace
}  // namespace vora::orchestrator
