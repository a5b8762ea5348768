#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/definition/history.h"
#include "libs/workflow/testing/test_orchestrator.h"

namespace vora::workflow {
namespace {

using namespace testing;
using ::testing::ElementsAre;

// A claimed group's report: `x` done, `x!` failed, `x!!` failed for good, `x~` handed back.
v1::CompleteActivityRequest Outcomes(const v1::ActivityTask& task, const std::vector<std::string>& items) {
  v1::CompleteActivityRequest request;
  request.set_task_token(task.task_token());
  for (std::string name : items) {
    auto* item = request.add_items();
    if (name.ends_with("~")) {
      item->set_released(true);
    } else if (name.ends_with("!")) {
      item->mutable_failure()->set_code("broken");
      item->mutable_failure()->set_non_retryable(name.ends_with("!!"));
    } else {
      item->set_result("done");
    }
    while (name.ends_with("!") || name.ends_with("~")) name.pop_back();
    item->set_name(name);
  }
  return request;
}

std::vector<std::string> ItemsOf(const v1::ActivityTask& task) {
  std::vector<std::string> items;
  for (const auto& item : task.items()) items.push_back(item.name() + "/" + std::to_string(item.attempt()));
  return items;
}

class EngineGroupTest : public ::testing::Test {
 protected:
  void Start(const std::string& retry = R"({"maximumAttempts": 3, "initialInterval": "0.001s"})") {
    StartScript(engine_, "w",
                R"({"group": "encode", "id": "chunk/0", "options": {"heartbeatTimeout": "30s", "retry": )" + retry +
                    R"(, "items": [{"name": "360p", "estimatedCost": 1}, {"name": "720p", "estimatedCost": 4}]}})");
  }
  v1::DescribeWorkflowResponse Describe() {
    v1::DescribeWorkflowRequest request;
    request.set_workflow_id("w");
    return *engine_.Describe(request);
  }
  std::string Result() { return WaitClosed(engine_, "w").result(); }
  // Queues are counted now and then.
  bool CostIs(double cost) {
    return Eventually([&] {
      const auto queues = engine_.DescribeQueues();
      return queues.ok() && queues->queues_size() == 1 && queues->queues(0).estimated_cost() == cost;
    });
  }

  TestOrchestrator orchestrator_{pg::TestPostgres::Shared().NewDatabase()};
  Engine& engine_ = orchestrator_.engine();
};

TEST_F(EngineGroupTest, ItemsEndTogether) {
  Start();
  const auto described = Describe();
  ASSERT_EQ(described.pending_activities_size(), 2);
  EXPECT_EQ(described.pending_activities(0).activity_id(), "360p/chunk/0");
  EXPECT_EQ(described.pending_activities(1).activity_id(), "720p/chunk/0");
  EXPECT_TRUE(CostIs(5));
  const auto task = ClaimOne(engine_);
  EXPECT_THAT(ItemsOf(task), ElementsAre("360p/1", "720p/1"));
  ASSERT_THAT(engine_.Complete(Outcomes(task, {"360p", "720p"})), IsOk());
  EXPECT_THAT(engine_.Complete(Outcomes(task, {"360p", "720p"})), IsOk()) << "a repeated report";
  EXPECT_EQ(Result(), R"(["360p=done","720p=done"])");
  EXPECT_THAT(EventNames(History(engine_, "w")), ElementsAre("WORKFLOW_EXECUTION_STARTED", "ACTIVITY_TASK_SCHEDULED",
                                                             "ACTIVITY_TASK_COMPLETED", "WORKFLOW_EXECUTION_COMPLETED"));
}

TEST_F(EngineGroupTest, WhatFailedIsTriedAgainAlone) {
  Start();
  auto first = Outcomes(ClaimOne(engine_), {"360p", "720p!"});
  first.set_checkpoint(R"({"720p":"half"})");
  ASSERT_THAT(engine_.Complete(first), IsOk());
  EXPECT_THAT(engine_.Complete(first), IsOk()) << "a repeated report";
  const auto described = Describe();
  ASSERT_EQ(described.pending_activities_size(), 1);
  EXPECT_EQ(described.pending_activities(0).activity_id(), "720p/chunk/0");
  EXPECT_EQ(described.pending_activities(0).attempt(), 2);
  EXPECT_EQ(described.pending_activities(0).last_failure().code(), "broken");
  ASSERT_EQ(described.failed_attempts_size(), 1);
  EXPECT_EQ(described.failed_attempts(0).activity_id(), "720p/chunk/0");
  EXPECT_TRUE(CostIs(4));
  const auto second = ClaimOne(engine_);
  EXPECT_THAT(ItemsOf(second), ElementsAre("720p/2"));
  EXPECT_EQ(second.checkpoint(), R"({"720p":"half"})");
  EXPECT_THAT(engine_.Complete(first), StatusIs(StatusCode::kOk)) << "a report that was taken, however late it comes again";
  ASSERT_THAT(engine_.Complete(Outcomes(second, {"720p"})), IsOk());
  EXPECT_EQ(Result(), R"(["360p=done","720p=done"])");
  EXPECT_THAT(EventNames(History(engine_, "w")),
              ElementsAre("WORKFLOW_EXECUTION_STARTED", "ACTIVITY_TASK_SCHEDULED", "ACTIVITY_TASK_ITEMS_ENDED", "ACTIVITY_TASK_COMPLETED",
                          "WORKFLOW_EXECUTION_COMPLETED"));
}

TEST_F(EngineGroupTest, AnItemThatIsDoneIsToldWhileTheOthersGoOn) {
  Start();
  const auto task = ClaimOne(engine_);
  auto early = Outcomes(task, {"360p"});
  early.set_more(true);
  ASSERT_THAT(engine_.Complete(early), IsOk());
  EXPECT_THAT(engine_.Complete(early), IsOk()) << "a repeated report";
  const auto described = Describe();
  ASSERT_EQ(described.pending_activities_size(), 1);
  EXPECT_EQ(described.pending_activities(0).activity_id(), "720p/chunk/0");
  EXPECT_EQ(described.pending_activities(0).state(), v1::PENDING_ACTIVITY_STATE_STARTED);
  EXPECT_TRUE(ClaimNow(engine_, 1).empty());
  auto bad = Outcomes(task, {"720p!"});
  bad.set_more(true);
  EXPECT_THAT(engine_.Complete(bad), StatusIs(StatusCode::kInvalidArgument));
  ASSERT_THAT(engine_.Complete(Outcomes(task, {"360p", "720p"})), IsOk()) << "the last report names all";
  EXPECT_EQ(Result(), R"(["360p=done","720p=done"])");
}

// The early report was taken, the last one comes from an attempt that has lost the task.
TEST_F(EngineGroupTest, AnEarlyReportDoesNotStandForTheLast) {
  Start();
  const auto task = ClaimOne(engine_);
  auto early = Outcomes(task, {"360p"});
  early.set_more(true);
  ASSERT_THAT(engine_.Complete(early), IsOk());
  engine_.TakeBack({{task.task_token(), "gone"}});
  const auto second = ClaimOne(engine_);
  EXPECT_THAT(ItemsOf(second), ElementsAre("720p/2"));
  EXPECT_THAT(engine_.Complete(Outcomes(task, {"360p", "720p"})), StatusIs(StatusCode::kAborted));
  ASSERT_THAT(engine_.Complete(Outcomes(second, {"720p"})), IsOk());
  EXPECT_EQ(Result(), R"(["360p=done","720p=done"])");
}

TEST_F(EngineGroupTest, EachItemHasAttemptsOfItsOwn) {
  Start();
  ASSERT_THAT(engine_.Complete(Outcomes(ClaimOne(engine_), {"360p~", "720p!"})), IsOk());
  const auto second = ClaimOne(engine_);
  EXPECT_THAT(ItemsOf(second), ElementsAre("360p/1", "720p/2"));
  ASSERT_THAT(engine_.Complete(Outcomes(second, {"360p!", "720p!"})), IsOk());
  ASSERT_THAT(engine_.Complete(Outcomes(ClaimOne(engine_), {"360p!", "720p!"})), IsOk());
  const auto last = ClaimOne(engine_);
  EXPECT_THAT(ItemsOf(last), ElementsAre("360p/3")) << "720p has used up its three attempts";
  ASSERT_THAT(engine_.Complete(Outcomes(last, {"360p"})), IsOk());
  EXPECT_EQ(Result(), R"(["720p!broken","360p=done"])");
}

TEST_F(EngineGroupTest, AnItemThatFailsForGoodLeavesTheOthers) {
  Start();
  ASSERT_THAT(engine_.Complete(Outcomes(ClaimOne(engine_), {"360p!!", "720p!"})), IsOk());
  ASSERT_THAT(engine_.Complete(Outcomes(ClaimOne(engine_), {"720p"})), IsOk());
  EXPECT_EQ(Result(), R"(["360p!broken","720p=done"])");
}

TEST_F(EngineGroupTest, AnItemWithoutAWordHasFailed) {
  Start(R"({"maximumAttempts": 1})");
  ASSERT_THAT(engine_.Complete(Outcomes(ClaimOne(engine_), {"360p", "foreign"})), IsOk());
  EXPECT_EQ(Result(), R"(["360p=done","720p!worker.item_missing"])");
}

TEST_F(EngineGroupTest, AFailureOfTheWholeIsOneOfEachItem) {
  Start(R"({"maximumAttempts": 2, "initialInterval": "0.001s"})");
  EXPECT_TRUE(*Fail(engine_, ClaimOne(engine_), "decoder"));
  const auto second = ClaimOne(engine_);
  EXPECT_THAT(ItemsOf(second), ElementsAre("360p/2", "720p/2"));
  EXPECT_EQ(Describe().failed_attempts_size(), 2);
  EXPECT_FALSE(*Fail(engine_, second, "decoder"));
  EXPECT_EQ(Result(), R"(["360p!decoder","720p!decoder"])");
}

TEST_F(EngineGroupTest, AnotherReportThanItsKindAsksForIsRefused) {
  Start();
  const auto task = ClaimOne(engine_);
  EXPECT_THAT(Complete(engine_, task), StatusIs(StatusCode::kInvalidArgument));
  auto both = Outcomes(task, {"360p"});
  both.set_result("x");
  EXPECT_THAT(engine_.Complete(both), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(engine_.Complete(Outcomes(task, {"360p", "360p"})), StatusIs(StatusCode::kInvalidArgument));
  StartScript(engine_, "plain", R"({"activity": "a"})");
  EXPECT_THAT(engine_.Complete(Outcomes(ClaimOne(engine_), {"360p"})), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(EngineGroupTest, CancelEndsWhatIsLeft) {
  Start();
  ASSERT_THAT(engine_.Complete(Outcomes(ClaimOne(engine_), {"360p", "720p!"})), IsOk());
  v1::CancelWorkflowRequest cancel;
  cancel.set_workflow_id("w");
  ASSERT_THAT(engine_.Cancel(cancel), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").status(), v1::WORKFLOW_STATUS_CANCELED);
  EXPECT_TRUE(ClaimNow(engine_, 1).empty());
}

}  // namespace
}  // namespace vora::workflow
