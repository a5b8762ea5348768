// Starting, signalling, cancelling, terminating; timers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/testing/script_workflow.h"
#include "libs/workflow/testing/test_orchestrator.h"

namespace vora::workflow {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class LifecycleTest : public ::testing::Test {
 protected:
  v1::StartWorkflowRequest StartRequest(const std::string& id, const std::string& request_id, v1::WorkflowIdReusePolicy policy) {
    v1::StartWorkflowRequest request;
    request.set_workflow_id(id);
    request.set_type("Script");
    request.set_input(R"({"steps": [{"activity": "a"}]})");
    request.set_request_id(request_id);
    request.set_reuse_policy(policy);
    return request;
  }
  Status Cancel(const std::string& id) {
    v1::CancelWorkflowRequest request;
    request.set_workflow_id(id);
    return engine_.Cancel(request);
  }
  Status Signal(const std::string& id, const std::string& name, const std::string& input, const std::string& request_id = "") {
    v1::SignalWorkflowRequest request;
    request.set_workflow_id(id);
    request.set_name(name);
    request.set_input(input);
    request.set_request_id(request_id);
    return engine_.Signal(request);
  }
  v1::WorkflowInfo Info(Engine& engine, const std::string& id) {
    v1::DescribeWorkflowRequest request;
    request.set_workflow_id(id);
    return engine.Describe(request).value().info();
  }
  const std::string database_ = pg::TestPostgres::Shared().NewDatabase();
  TestOrchestrator orchestrator_{database_};
  Engine& engine_ = orchestrator_.engine();
};

TEST_F(LifecycleTest, OneOpenRunPerId) {
  const auto first = engine_.Start(StartRequest("w", "", v1::WORKFLOW_ID_REUSE_POLICY_REJECT_DUPLICATE));
  ASSERT_THAT(first, IsOk());
  EXPECT_TRUE(first->started());
  const auto again = engine_.Start(StartRequest("w", "", v1::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE));
  ASSERT_THAT(again, IsOk());
  EXPECT_FALSE(again->started());
  EXPECT_EQ(again->run_id(), first->run_id());
  ASSERT_THAT(Complete(engine_, ClaimOne(engine_)), IsOk());
  EXPECT_THAT(engine_.Start(StartRequest("w", "", v1::WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED)), StatusIs(StatusCode::kAlreadyExists));
  const auto next = engine_.Start(StartRequest("w", "", v1::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE));
  ASSERT_THAT(next, IsOk());
  EXPECT_TRUE(next->started());
  EXPECT_NE(next->run_id(), first->run_id());
  EXPECT_EQ(History(engine_, "w", first->run_id()).size(), 4u) << "the earlier run's history stays";
}

TEST_F(LifecycleTest, ARepeatedRequestGivesItsRunEvenWhenClosed) {
  const auto request = StartRequest("w", "retry-1", v1::WORKFLOW_ID_REUSE_POLICY_ALLOW_DUPLICATE);
  const auto first = engine_.Start(request);
  ASSERT_THAT(first, IsOk());
  ASSERT_THAT(Complete(engine_, ClaimOne(engine_)), IsOk());
  const auto again = engine_.Start(request);
  ASSERT_THAT(again, IsOk());
  EXPECT_EQ(again->run_id(), first->run_id());
  EXPECT_FALSE(again->started());
}

TEST_F(LifecycleTest, StartNamesWhatIsWrong) {
  auto request = StartRequest("w", "", v1::WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED);
  request.set_type("Unheard");
  EXPECT_THAT(Message(engine_.Start(request).status()), HasSubstr("type: no workflow of type Unheard"));
  request.set_type("Script");
  request.set_workflow_id("");
  EXPECT_THAT(Message(engine_.Start(request).status()), HasSubstr("workflow_id: must not be empty"));
}

TEST_F(LifecycleTest, CancelEndsWaitingWorkAtOnceAndRunsCleanup) {
  StartScript(engine_, "w", R"({"all": [{"activity": "a", "id": "held"}, {"activity": "b", "id": "waiting"}, {"timer_ms": 600000}]},
                               {"cleanup": {"activity": "c", "id": "cleanup"}})");
  const auto held = ClaimOne(engine_);
  ASSERT_EQ(held.activity_id(), "held");
  ASSERT_THAT(Cancel("w"), IsOk());
  EXPECT_THAT(Cancel("w"), IsOk()) << "repeating it is no error";
  EXPECT_TRUE(Info(engine_, "w").cancel_requested());

  v1::HeartbeatActivityRequest heartbeat;
  heartbeat.set_task_token(held.task_token());
  const auto told = engine_.Heartbeat(heartbeat);
  ASSERT_THAT(told, IsOk());
  EXPECT_TRUE(*told);
  v1::FailActivityRequest canceled;
  canceled.set_task_token(held.task_token());
  canceled.set_canceled(true);
  const auto retry = engine_.Fail(canceled);
  ASSERT_THAT(retry, IsOk());
  EXPECT_FALSE(*retry);

  const auto cleanup = ClaimOne(engine_);
  EXPECT_EQ(cleanup.activity_id(), "cleanup");
  ASSERT_THAT(Complete(engine_, cleanup), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").status(), v1::WORKFLOW_STATUS_CANCELED);
  EXPECT_THAT(EventNames(History(engine_, "w")),
              ElementsAre("WORKFLOW_EXECUTION_STARTED", "ACTIVITY_TASK_SCHEDULED", "ACTIVITY_TASK_SCHEDULED", "TIMER_STARTED",
                          "WORKFLOW_EXECUTION_CANCEL_REQUESTED", "ACTIVITY_TASK_CANCEL_REQUESTED", "ACTIVITY_TASK_CANCEL_REQUESTED",
                          "TIMER_CANCELED", "ACTIVITY_TASK_SCHEDULED", "ACTIVITY_TASK_CANCELED", "ACTIVITY_TASK_CANCELED",
                          "ACTIVITY_TASK_COMPLETED", "WORKFLOW_EXECUTION_CANCELED"));
  EXPECT_THAT(Cancel("w"), IsOk()) << "cancelling a closed one is no error";
}

TEST_F(LifecycleTest, TerminateEndsItWithoutAskingAnyone) {
  StartScript(engine_, "w", R"({"activity": "a"}, {"cleanup": {"activity": "c"}})");
  const auto task = ClaimOne(engine_);
  v1::TerminateWorkflowRequest request;
  request.set_workflow_id("w");
  request.set_reason("no longer wanted");
  ASSERT_THAT(engine_.Terminate(request), IsOk());
  const auto info = Info(engine_, "w");
  EXPECT_EQ(info.status(), v1::WORKFLOW_STATUS_TERMINATED);
  EXPECT_EQ(info.failure().message(), "no longer wanted");
  EXPECT_THAT(Complete(engine_, task), StatusIs(StatusCode::kAborted));
  EXPECT_TRUE(ClaimNow(engine_, 1).empty());
}

TEST_F(LifecycleTest, SignalsAreKeptInOrderAndTakenOnce) {
  StartScript(engine_, "w", R"({"activity": "a"}, {"signal": "go"}, {"signal": "go"})");
  ASSERT_THAT(Signal("w", "go", "1", "r1"), IsOk());
  ASSERT_THAT(Signal("w", "go", "1", "r1"), IsOk());
  ASSERT_THAT(Complete(engine_, ClaimOne(engine_), "0"), IsOk());
  EXPECT_EQ(Info(engine_, "w").status(), v1::WORKFLOW_STATUS_RUNNING) << "one signal, two wanted";
  ASSERT_THAT(Signal("w", "go", "2"), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["0","1","2"])");
  EXPECT_THAT(Signal("w", "go", "3"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(Signal("unknown", "go", "3"), StatusIs(StatusCode::kNotFound));
}

TEST_F(LifecycleTest, TimersFireAndLosersOfARaceAreAbandoned) {
  StartScript(engine_, "w", R"({"any": [{"timer_ms": 50}, {"activity": "slow"}]}, {"timer_ms": 1})");
  const auto info = WaitClosed(engine_, "w");
  EXPECT_EQ(info.status(), v1::WORKFLOW_STATUS_COMPLETED);
  const auto names = EventNames(History(engine_, "w"));
  EXPECT_EQ(std::count(names.begin(), names.end(), "TIMER_FIRED"), 2);
  EXPECT_TRUE(ClaimNow(engine_, 1).empty()) << "the slow one is not wanted any more";
}

TEST_F(LifecycleTest, ExecutionTimeoutClosesTheRun) {
  auto request = StartRequest("w", "", v1::WORKFLOW_ID_REUSE_POLICY_UNSPECIFIED);
  request.mutable_execution_timeout()->set_nanos(50'000'000);
  ASSERT_THAT(engine_.Start(request), IsOk());
  const auto info = WaitClosed(engine_, "w");
  EXPECT_EQ(info.status(), v1::WORKFLOW_STATUS_TIMED_OUT);
  EXPECT_EQ(EventNames(History(engine_, "w")).back(), "WORKFLOW_EXECUTION_TIMED_OUT");
}

TEST_F(LifecycleTest, ListsNewestFirstInPages) {
  for (int i = 0; i < 5; ++i) StartScript(engine_, "w" + std::to_string(i), R"({"activity": "a"})");
  v1::ListWorkflowsRequest request;
  request.set_page_size(2);
  std::vector<std::string> ids;
  while (true) {
    const auto page = engine_.List(request);
    ASSERT_THAT(page, IsOk());
    for (const auto& info : page->workflows()) ids.push_back(info.workflow_id());
    if (page->next_page_token().empty()) break;
    request.set_page_token(page->next_page_token());
  }
  EXPECT_THAT(ids, ElementsAre("w4", "w3", "w2", "w1", "w0"));
  request.Clear();
  request.set_status(v1::WORKFLOW_STATUS_COMPLETED);
  EXPECT_EQ(engine_.List(request)->workflows_size(), 0);
}

}  // namespace
}  // namespace vora::workflow
