// Whose workflows a caller of the gRPC service may see and stop.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/pg/testing/test_postgres.h"
#include "libs/rpc/client.h"
#include "libs/workflow/testing/test_orchestrator.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Believes what callers say of themselves: "fleet", or the tenant that they are an operator of.
rpc::Authorizer Believing() {
  return rpc::Authorizer([](const Credentials& credentials, std::initializer_list<vora::Scope> any_of) -> StatusOr<Caller> {
    Caller caller;
    caller.subject = "somebody of " + credentials.authorization;
    caller.tenant = credentials.authorization;
    caller.scopes = {credentials.authorization == "fleet" ? vora::Scope::kFleet : vora::Scope::kOperate};
    for (const vora::Scope scope : any_of) {
      if (caller.Has(scope)) return caller;
    }
    return PermissionDenied("scope");
  });
}

class WorkflowServiceTest : public ::testing::Test {
 protected:
  using Stub = v1::WorkflowService::Stub;
  template <typename Request, typename Response>
  grpc::StatusCode Call(const std::string& who, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                        const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    context.AddMetadata("authorization", who);
    return ((*stub_).*method)(&context, request, response).error_code();
  }
  template <typename Request, typename Response>
  grpc::StatusCode OfTheWorkflow(const std::string& who, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*)) {
    Request request;
    request.set_workflow_id("video/1");
    Response response;
    return Call(who, method, request, &response);
  }
  std::vector<std::string> Listed(const std::string& who) {
    v1::ListWorkflowsResponse response;
    EXPECT_EQ(Call(who, &Stub::ListWorkflows, v1::ListWorkflowsRequest(), &response), grpc::StatusCode::OK);
    std::vector<std::string> ids;
    for (const auto& workflow : response.workflows()) ids.push_back(workflow.workflow_id());
    return ids;
  }
  grpc::StatusCode Start(const std::string& who) {
    v1::StartWorkflowRequest request;
    request.set_workflow_id("video/1");
    request.set_type("Script");
    request.set_tenant("acme");
    request.set_input(R"({"steps": [{"activity": "a", "id": "one"}]})");
    v1::StartWorkflowResponse response;
    return Call(who, &Stub::StartWorkflow, request, &response);
  }

  TestOrchestrator orchestrator_{pg::TestPostgres::Shared().NewDatabase(), TestOrchestrator::DefaultRegistry(),
                                 TestOrchestrator::QuickPasses(), Believing()};
  std::unique_ptr<Stub> stub_ = v1::WorkflowService::NewStub(rpc::Connect(orchestrator_.address()));
};

TEST_F(WorkflowServiceTest, OperatorsLookAfterTheWorkflowsOfTheirTenant) {
  EXPECT_EQ(Start("acme"), grpc::StatusCode::PERMISSION_DENIED) << "what is run, and on which files, only the fleet says";
  ASSERT_EQ(Start("fleet"), grpc::StatusCode::OK);

  EXPECT_EQ(OfTheWorkflow("other", &Stub::DescribeWorkflow), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(OfTheWorkflow("other", &Stub::GetHistory), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(OfTheWorkflow("other", &Stub::SignalWorkflow), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(OfTheWorkflow("other", &Stub::CancelWorkflow), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(OfTheWorkflow("other", &Stub::TerminateWorkflow), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(OfTheWorkflow("other", &Stub::PauseWorkflow), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(OfTheWorkflow("other", &Stub::UnpauseWorkflow), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(OfTheWorkflow("other", &Stub::RetryNow), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(OfTheWorkflow("other", &Stub::SetWorkflowPriority), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(Listed("other"), IsEmpty());

  EXPECT_EQ(OfTheWorkflow("acme", &Stub::DescribeWorkflow), grpc::StatusCode::OK);
  EXPECT_EQ(OfTheWorkflow("acme", &Stub::GetHistory), grpc::StatusCode::OK);
  EXPECT_THAT(Listed("acme"), ElementsAre("video/1"));
  EXPECT_THAT(Listed("fleet"), ElementsAre("video/1"));
  EXPECT_EQ(OfTheWorkflow("acme", &Stub::TerminateWorkflow), grpc::StatusCode::OK);
  EXPECT_EQ(OfTheWorkflow("other", &Stub::WaitResult), grpc::StatusCode::NOT_FOUND);
  EXPECT_EQ(OfTheWorkflow("acme", &Stub::WaitResult), grpc::StatusCode::OK);
}

TEST_F(WorkflowServiceTest, ProgressOfAllIsForTheFleet) {
  const auto watch = [&](const std::string& who) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(10));
    context.AddMetadata("authorization", who);
    const auto reader = stub_->WatchProgress(&context, v1::WatchProgressRequest());
    v1::WatchProgressResponse response;
    if (reader->Read(&response)) return grpc::StatusCode::OK;
    return reader->Finish().error_code();
  };
  EXPECT_EQ(watch("acme"), grpc::StatusCode::PERMISSION_DENIED);
  EXPECT_EQ(watch("fleet"), grpc::StatusCode::OK);
}

TEST_F(WorkflowServiceTest, RunsAreListedById) {
  ASSERT_EQ(Start("fleet"), grpc::StatusCode::OK);
  const auto run_id = StartScript(orchestrator_.engine(), "w", R"({"activity": "a"})");
  v1::ListWorkflowsRequest request;
  v1::ListWorkflowsResponse response;
  request.add_run_ids(run_id);
  request.add_run_ids("none");
  ASSERT_EQ(Call("fleet", &Stub::ListWorkflows, request, &response), grpc::StatusCode::OK);
  ASSERT_EQ(response.workflows_size(), 1);
  EXPECT_EQ(response.workflows(0).run_id(), run_id);
  EXPECT_EQ(response.workflows(0).status(), v1::WORKFLOW_STATUS_RUNNING);
  EXPECT_EQ(Call("acme", &Stub::ListWorkflows, request, &response), grpc::StatusCode::OK);
  EXPECT_THAT(response.workflows(), IsEmpty()) << "another tenant's";
  for (int i = 0; i < 500; ++i) request.add_run_ids("none");
  EXPECT_EQ(Call("fleet", &Stub::ListWorkflows, request, &response), grpc::StatusCode::INVALID_ARGUMENT);
}

TEST_F(WorkflowServiceTest, WhoPausesIsRemembered) {
  ASSERT_EQ(Start("fleet"), grpc::StatusCode::OK);
  const auto pause_as = [&](const std::string& who) {
    v1::UnpauseWorkflowRequest unpause;
    unpause.set_workflow_id("video/1");
    v1::UnpauseWorkflowResponse unpaused;
    EXPECT_EQ(Call(who, &Stub::UnpauseWorkflow, unpause, &unpaused), grpc::StatusCode::OK);
    v1::PauseWorkflowRequest pause;
    pause.set_workflow_id("video/1");
    pause.set_identity("bob");
    v1::PauseWorkflowResponse paused;
    EXPECT_EQ(Call(who, &Stub::PauseWorkflow, pause, &paused), grpc::StatusCode::OK);
    v1::DescribeWorkflowRequest describe;
    describe.set_workflow_id("video/1");
    v1::DescribeWorkflowResponse described;
    EXPECT_EQ(Call(who, &Stub::DescribeWorkflow, describe, &described), grpc::StatusCode::OK);
    return described.info().paused_by();
  };
  EXPECT_EQ(pause_as("acme"), "somebody of acme") << "whatever the request says";
  EXPECT_EQ(pause_as("fleet"), "bob") << "daemons speak for those who called them";
}

}  // namespace
}  // namespace vora::workflow
