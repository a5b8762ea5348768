#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/pg/database.h"
#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/testing/test_orchestrator.h"

namespace vora::workflow {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

EngineOptions AlwaysLooking() {
  EngineOptions options;
  options.straggler_pause = std::chrono::milliseconds{0};
  return options;
}

class SecondAttemptTest : public ::testing::Test {
 protected:
  // What is usual becomes known: three tasks of a cost of 10 that take a moment.
  void SetUp() override {
    for (const char* id : {"a", "b", "c"}) {
      StartScript(engine_, id, R"({"activity": "work", "options": {"estimatedCost": 10, "secondAttempt": true}})");
      ASSERT_THAT(Complete(engine_, ClaimOne(engine_)), IsOk());
    }
  }
  // A task that worker `slow` has had for an hour. It needs four times what is usual, and more.
  v1::ActivityTask StartSlow(const std::string& options = R"("secondAttempt": true)", const std::string& kind = "activity") {
    StartScript(engine_, "w", "{\"" + kind + R"(": "work", "id": "it", "input": "in", "options": {"estimatedCost": 10, )" + options + "}}");
    const auto task = ClaimOne(engine_, "test", "slow");
    Sql("UPDATE activity_tasks SET started_time_us = started_time_us - 3600000000 WHERE state = 'STARTED'");
    EXPECT_TRUE(Eventually([&] { return engine_.MayHaveStragglers("test"); })) << "the figures of the queue tell that something runs";
    return task;
  }
  v1::ActivityTask BeginSecond() { return ClaimOne(engine_, "test", "quick"); }
  std::vector<v1::ActivityTask> ClaimAs(const std::string& worker_id) {
    EXPECT_TRUE(engine_.MayHaveStragglers("test"));
    v1::PollActivitiesRequest request;
    request.set_queue("test");
    request.set_worker_id(worker_id);
    request.set_max_tasks(5);
    return engine_.Claim(request).value();
  }
  pqxx::result Sql(const std::string& sql) {
    pqxx::result rows;
    EXPECT_THAT(db_.Transact([&](pqxx::work& tx) -> Status {
      rows = tx.exec(sql);
      return {};
    }),
                IsOk());
    return rows;
  }
  v1::DescribeWorkflowResponse Describe() {
    v1::DescribeWorkflowRequest request;
    request.set_workflow_id("w");
    return engine_.Describe(request).value();
  }
  v1::PendingActivity Pending() {
    const auto described = Describe();
    return described.pending_activities_size() == 0 ? v1::PendingActivity() : described.pending_activities(0);
  }
  // `outcome worker`, oldest first.
  std::vector<std::string> Attempts() {
    std::vector<std::string> attempts;
    const auto described = Describe();
    for (const auto& attempt : described.failed_attempts()) attempts.push_back(attempt.outcome() + " " + attempt.worker_id());
    return attempts;
  }
  bool NothingIsLeft() { return Sql("SELECT 1 FROM activity_second_attempts").empty() && Sql("SELECT 1 FROM activity_tasks").empty(); }
  // `sample` without `vora_activity_`, once.
  bool Counted(const std::string& sample) {
    return orchestrator_.metrics().Expose().find("\nvora_activity_" + sample + " 1\n") != std::string::npos;
  }
  v1::RenewWorkerResponse Renew(const std::string& worker_id, const std::vector<v1::ActivityTask>& tasks, double progress = 0) {
    v1::RenewWorkerRequest request;
    request.set_worker_id(worker_id);
    request.set_queue("test");
    for (const auto& task : tasks) {
      auto* held = request.add_tasks();
      held->set_task_token(task.task_token());
      held->set_progress(progress);
    }
    auto renewals = engine_.RenewWorkers({request}, {}).value();
    engine_.TakeBack(renewals.lost);
    return renewals.answers[worker_id];
  }
  Status Release(const v1::ActivityTask& task, const std::string& checkpoint = "") {
    v1::ReleaseActivityRequest request;
    request.set_task_token(task.task_token());
    request.set_checkpoint(checkpoint);
    return engine_.Release(request);
  }
  Status Leave(const std::string& worker_id) {
    v1::ReportWorkerRequest request;
    request.set_worker_id(worker_id);
    request.set_leaving(true);
    return engine_.ReportWorker(request);
  }
  Status CompleteItems(const v1::ActivityTask& task, const std::vector<std::string>& names, bool more = false) {
    v1::CompleteActivityRequest request;
    request.set_task_token(task.task_token());
    request.set_more(more);
    for (std::string name : names) {
      auto* item = request.add_items();
      if (name.back() == '!') {
        name.pop_back();
        item->mutable_failure()->set_code("broken");
      } else {
        item->set_result("by " + std::string(task.task_token() == first_ ? "first" : "second"));
      }
      item->set_name(name);
    }
    return engine_.Complete(request);
  }

  const std::string url_ = pg::TestPostgres::Shared().NewDatabase();
  TestOrchestrator orchestrator_{url_, TestOrchestrator::DefaultRegistry(), TestOrchestrator::QuickPasses(), rpc::Authorizer::Open(),
                                 AlwaysLooking()};
  Engine& engine_ = orchestrator_.engine();
  obs::Metrics metrics_;
  pg::Database db_{{.url = url_}, metrics_};
  std::string first_;  // token, for CompleteItems
};

TEST_F(SecondAttemptTest, TheSecondEndsFirst) {
  const auto first = StartSlow();
  const auto second = BeginSecond();
  EXPECT_EQ(second.activity_id(), "it");
  EXPECT_EQ(second.input(), "in");
  EXPECT_NE(second.task_token(), first.task_token());
  const auto pending = Pending();
  EXPECT_EQ(pending.worker_id(), "slow");
  EXPECT_EQ(pending.second_attempt().worker_id(), "quick");
  EXPECT_GT(pending.second_attempt().started_time().seconds(), pending.started_time().seconds());
  ASSERT_THAT(Complete(engine_, second, "by second"), IsOk());
  EXPECT_THAT(Complete(engine_, second, "by second"), IsOk()) << "a repeated report";
  EXPECT_THAT(Complete(engine_, first, "by first"), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["by second"])");
  EXPECT_THAT(Attempts(), ElementsAre("SUPERSEDED slow"));
  EXPECT_THAT(Renew("slow", {first}).orders().stale(), ElementsAre(first.task_token()));
  EXPECT_TRUE(Counted(R"(second_attempts_total{result="begun"})"));
  EXPECT_TRUE(Counted(R"(second_attempts_total{result="won"})"));
  EXPECT_TRUE(Counted(R"(attempts_total{result="superseded",type="work"})"));
  EXPECT_TRUE(NothingIsLeft());
  const auto history = History(engine_, "w");
  EXPECT_THAT(history[1].attributes(), ::testing::HasSubstr(R"("second_attempt":true)"));
  EXPECT_THAT(history[2].attributes(), ::testing::HasSubstr(R"("worker_id":"quick")"));
}

TEST_F(SecondAttemptTest, TheFirstEndsFirst) {
  const auto first = StartSlow();
  const auto second = BeginSecond();
  ASSERT_THAT(Complete(engine_, first, "by first"), IsOk());
  EXPECT_THAT(Complete(engine_, second, "by second"), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["by first"])");
  EXPECT_THAT(Attempts(), ElementsAre("SUPERSEDED quick"));
  EXPECT_TRUE(Counted(R"(second_attempts_total{result="begun"})"));
  EXPECT_FALSE(Counted(R"(second_attempts_total{result="won"})"));
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(SecondAttemptTest, AFailureOfTheSecondCountsAsNothing) {
  const auto first = StartSlow(R"("secondAttempt": true, "retry": {"maximumAttempts": 1})");
  const auto second = BeginSecond();
  EXPECT_THAT(ClaimAs("third"), IsEmpty());
  EXPECT_THAT(Fail(engine_, second, "broken", true), IsOkAndHolds(true));
  EXPECT_THAT(Fail(engine_, second, "broken", true), IsOkAndHolds(true)) << "a repeated report";
  EXPECT_EQ(Pending().worker_id(), "slow");
  EXPECT_EQ(Pending().attempt(), 1);
  EXPECT_FALSE(Pending().has_second_attempt());
  EXPECT_THAT(Attempts(), ElementsAre("SECOND_FAILED quick"));
  EXPECT_THAT(ClaimAs("third"), IsEmpty()) << "there was one";
  ASSERT_THAT(Complete(engine_, first, "by first"), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["by first"])");
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(SecondAttemptTest, WhenTheFirstFailsTheSecondGoesOn) {
  const auto first = StartSlow(R"("secondAttempt": true, "retry": {"maximumAttempts": 1})");
  const auto second = BeginSecond();
  EXPECT_THAT(Fail(engine_, first, "broken", true), IsOkAndHolds(true)) << "whatever the policy says, it is under way";
  EXPECT_THAT(Fail(engine_, first, "broken", true), IsOkAndHolds(true)) << "a repeated report";
  EXPECT_EQ(Pending().state(), v1::PENDING_ACTIVITY_STATE_STARTED);
  EXPECT_EQ(Pending().worker_id(), "quick");
  EXPECT_EQ(Pending().attempt(), 2);
  EXPECT_FALSE(Pending().has_second_attempt());
  EXPECT_THAT(Attempts(), ElementsAre("FAILED slow"));
  EXPECT_THAT(Complete(engine_, first, "by first"), StatusIs(StatusCode::kAborted));
  ASSERT_THAT(Complete(engine_, second, "by second"), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["by second"])");
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(SecondAttemptTest, WhenBothFailThePolicyDecides) {
  const auto first = StartSlow(R"("secondAttempt": true, "retry": {"maximumAttempts": 1})");
  const auto second = BeginSecond();
  EXPECT_THAT(Fail(engine_, first, "broken"), IsOkAndHolds(true));
  EXPECT_THAT(Fail(engine_, second, "broken too"), IsOkAndHolds(false));
  EXPECT_EQ(WaitClosed(engine_, "w").failure().code(), "broken too");
  EXPECT_THAT(Attempts(), ElementsAre("FAILED slow", "FAILED quick"));
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(SecondAttemptTest, TheWorkerOfTheFirstIsLost) {
  StartSlow(R"("secondAttempt": true, "heartbeatTimeout": "30s")");
  const auto second = BeginSecond();
  Renew("quick", {second}, 0.25);
  EXPECT_EQ(Pending().second_attempt().progress(), 0.25);
  Renew("slow", {});  // it does not name the task any more
  EXPECT_EQ(Pending().worker_id(), "quick");
  EXPECT_EQ(Pending().progress(), 0.25);
  EXPECT_EQ(Pending().attempt(), 2);
  EXPECT_THAT(Attempts(), ElementsAre("LOST slow"));
  EXPECT_THAT(Renew("quick", {second}, 0.5).orders().stale(), IsEmpty());
  ASSERT_THAT(Complete(engine_, second, "by second"), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["by second"])");
}

TEST_F(SecondAttemptTest, TheWorkerOfTheSecondIsLost) {
  const auto first = StartSlow(R"("secondAttempt": true, "heartbeatTimeout": "30s")");
  const auto second = BeginSecond();
  Renew("quick", {second});
  Sql("UPDATE activity_second_attempts SET started_time_us = started_time_us - 60000000");
  Renew("quick", {});
  EXPECT_EQ(Pending().worker_id(), "slow");
  EXPECT_EQ(Pending().attempt(), 1);
  EXPECT_FALSE(Pending().has_second_attempt());
  EXPECT_THAT(Attempts(), ElementsAre("SECOND_FAILED quick"));
  EXPECT_THAT(Renew("quick", {second}).orders().stale(), ElementsAre(second.task_token()));
  ASSERT_THAT(Complete(engine_, first), IsOk());
}

// Its worker's lease is over, and a worker that lives reports.
TEST_F(SecondAttemptTest, ASilentWorkerOfTheSecondIsFoundByTheReportsOfOthers) {
  const auto first = StartSlow(R"("secondAttempt": true, "heartbeatTimeout": "30s")");
  const auto second = BeginSecond();
  Renew("quick", {second});
  Sql("UPDATE activity_workers SET lease_deadline_us = 1 WHERE worker_id = 'quick'");
  Renew("slow", {first});
  EXPECT_EQ(Pending().worker_id(), "slow");
  EXPECT_FALSE(Pending().has_second_attempt());
}

TEST_F(SecondAttemptTest, TheDeadlineOfTheFirst) {
  StartSlow();
  const auto second = BeginSecond();
  Sql("UPDATE activity_tasks SET attempt_deadline_us = 1 WHERE state = 'STARTED'");
  ASSERT_TRUE(Eventually([&] { return Pending().worker_id() == "quick"; }));
  EXPECT_THAT(Attempts(), ElementsAre("TIMED_OUT slow"));
  ASSERT_THAT(Complete(engine_, second), IsOk());
  WaitClosed(engine_, "w");
}

TEST_F(SecondAttemptTest, TheDeadlineOfTheSecond) {
  const auto first = StartSlow();
  const auto second = BeginSecond();
  Sql("UPDATE activity_second_attempts SET attempt_deadline_us = 1");
  ASSERT_TRUE(Eventually([&] { return !Pending().has_second_attempt(); }));
  EXPECT_THAT(Attempts(), ElementsAre("SECOND_FAILED quick"));
  EXPECT_THAT(Complete(engine_, second), StatusIs(StatusCode::kAborted));
  ASSERT_THAT(Complete(engine_, first), IsOk());
}

TEST_F(SecondAttemptTest, TheLeaseOfASecondWhoseWorkerSendsHeartbeats) {
  StartSlow(R"("secondAttempt": true, "heartbeatTimeout": "30s")");
  const auto second = BeginSecond();
  v1::HeartbeatActivityRequest heartbeat;
  heartbeat.set_task_token(second.task_token());
  heartbeat.set_progress(0.5);
  EXPECT_THAT(engine_.Heartbeat(heartbeat), IsOkAndHolds(false));
  EXPECT_EQ(Pending().second_attempt().progress(), 0.5);
  Sql("UPDATE activity_second_attempts SET lease_deadline_us = 1");
  ASSERT_TRUE(Eventually([&] { return !Pending().has_second_attempt(); }));
  EXPECT_THAT(engine_.Heartbeat(heartbeat), StatusIs(StatusCode::kAborted));
}

TEST_F(SecondAttemptTest, OverAllAttemptsTheDeadlineEndsBoth) {
  const auto first = StartSlow(R"("secondAttempt": true, "scheduleToCloseTimeout": "60s")");
  const auto second = BeginSecond();
  Sql("UPDATE activity_tasks SET schedule_to_close_deadline_us = 1 WHERE state = 'STARTED'");
  EXPECT_EQ(WaitClosed(engine_, "w").failure().code(), "timeout.schedule_to_close");
  EXPECT_THAT(Attempts(), ElementsAre("TIMED_OUT slow", "SUPERSEDED quick"));
  EXPECT_THAT(Complete(engine_, first), StatusIs(StatusCode::kAborted));
  EXPECT_THAT(Complete(engine_, second), StatusIs(StatusCode::kAborted));
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(SecondAttemptTest, AWorkerThatLeavesHandsItsAttemptOver) {
  const auto first = StartSlow();
  const auto second = BeginSecond();
  ASSERT_THAT(Release(first, "{\"n\":1}"), IsOk());
  EXPECT_THAT(Release(first), IsOk()) << "a repeated report";
  EXPECT_EQ(Pending().worker_id(), "quick");
  EXPECT_EQ(Pending().attempt(), 1);
  ASSERT_THAT(Leave("quick"), IsOk());
  const auto again = ClaimOne(engine_, "test", "other");
  EXPECT_EQ(again.attempt(), 1);
  EXPECT_EQ(again.checkpoint(), "{\"n\":1}");
  EXPECT_THAT(Attempts(), IsEmpty());
  ASSERT_THAT(Complete(engine_, again), IsOk());
  WaitClosed(engine_, "w");
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(SecondAttemptTest, AWorkerThatLeavesTakesItsSecondAttemptWithIt) {
  const auto first = StartSlow();
  BeginSecond();
  ASSERT_THAT(Leave("quick"), IsOk());
  EXPECT_EQ(Pending().worker_id(), "slow");
  EXPECT_FALSE(Pending().has_second_attempt());
  ASSERT_THAT(Complete(engine_, first), IsOk());
  WaitClosed(engine_, "w");
  EXPECT_THAT(Attempts(), IsEmpty());
}

TEST_F(SecondAttemptTest, ACanceledRunLeavesNothing) {
  StartSlow();
  BeginSecond();
  v1::CancelWorkflowRequest cancel;
  cancel.set_workflow_id("w");
  ASSERT_THAT(engine_.Cancel(cancel), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").status(), v1::WORKFLOW_STATUS_CANCELED);
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(SecondAttemptTest, ACancelThatTheWorkflowWaitsFor) {
  StartScript(engine_, "w",
              R"({"any": [{"activity": "work", "options": {"estimatedCost": 10, "secondAttempt": true}}, {"timer_ms": 600000}]},
                               {"signal": "end"})");
  const auto first = ClaimOne(engine_, "test", "slow");
  Sql("UPDATE activity_tasks SET started_time_us = started_time_us - 3600000000 WHERE state = 'STARTED'");
  ASSERT_TRUE(Eventually([&] { return engine_.MayHaveStragglers("test"); }));
  const auto second = BeginSecond();
  // The timer fires, and the activity is cancelled while the run waits for a signal.
  Sql("UPDATE workflow_timers SET look_at_us = 1");
  ASSERT_TRUE(Eventually([&] { return Pending().state() == v1::PENDING_ACTIVITY_STATE_CANCEL_REQUESTED; }));
  EXPECT_THAT(Renew("slow", {first}).orders().cancel(), ElementsAre(first.task_token()));
  EXPECT_THAT(Renew("quick", {second}).orders().cancel(), ElementsAre(second.task_token()));
  EXPECT_THAT(Fail(engine_, second, "canceled"), IsOkAndHolds(false));
  EXPECT_THAT(Fail(engine_, first, "canceled"), StatusIs(StatusCode::kAborted));
  EXPECT_THAT(Attempts(), ElementsAre("CANCELED quick", "CANCELED slow"));
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(SecondAttemptTest, APauseAsksBothToHandBack) {
  const auto first = StartSlow();
  const auto second = BeginSecond();
  v1::PauseWorkflowRequest pause;
  pause.set_workflow_id("w");
  ASSERT_THAT(engine_.Pause(pause), IsOk());
  EXPECT_THAT(Renew("slow", {first}).orders().release(), ElementsAre(first.task_token()));
  EXPECT_THAT(Renew("quick", {second}).orders().release(), ElementsAre(second.task_token()));
  ASSERT_THAT(Release(first), IsOk());
  EXPECT_EQ(Pending().worker_id(), "quick");
  ASSERT_THAT(Release(second), IsOk());
  EXPECT_EQ(Pending().state(), v1::PENDING_ACTIVITY_STATE_SCHEDULED);
  EXPECT_THAT(ClaimNow(engine_, 1), IsEmpty());
  v1::UnpauseWorkflowRequest unpause;
  unpause.set_workflow_id("w");
  ASSERT_THAT(engine_.Unpause(unpause), IsOk());
  const auto again = ClaimOne(engine_, "test", "slow");
  EXPECT_EQ(again.attempt(), 1);
  ASSERT_THAT(Complete(engine_, again), IsOk());
  WaitClosed(engine_, "w");
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(SecondAttemptTest, ATerminatedRunLeavesNothing) {
  StartSlow();
  const auto second = BeginSecond();
  v1::TerminateWorkflowRequest terminate;
  terminate.set_workflow_id("w");
  ASSERT_THAT(engine_.Terminate(terminate), IsOk());
  EXPECT_TRUE(NothingIsLeft());
  EXPECT_THAT(Complete(engine_, second), StatusIs(StatusCode::kAborted));
}

constexpr char kTwoItems[] = R"("secondAttempt": true, "retry": {"maximumAttempts": 2, "initialInterval": "0.001s"},
                                "items": [{"name": "x", "estimatedCost": 5}, {"name": "y", "estimatedCost": 5}])";

TEST_F(SecondAttemptTest, ItemsOfAGroupEndOnceWhoeverIsFirst) {
  const auto first = StartSlow(kTwoItems, "group");
  first_ = first.task_token();
  const auto second = BeginSecond();
  ASSERT_EQ(second.items_size(), 2);
  ASSERT_THAT(CompleteItems(second, {"x"}, /*more=*/true), IsOk());
  EXPECT_THAT(CompleteItems(first, {"x"}, /*more=*/true), IsOk()) << "it goes on, though x is not taken again";
  ASSERT_THAT(CompleteItems(first, {"x", "y"}), IsOk());
  EXPECT_THAT(CompleteItems(second, {"x", "y"}), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["x=by second","y=by first"])");
  EXPECT_THAT(Attempts(), ElementsAre("SUPERSEDED quick"));
  EXPECT_TRUE(NothingIsLeft());
}

TEST_F(SecondAttemptTest, ItemsThatFailInTheSecondAreLeftToTheFirst) {
  const auto first = StartSlow(kTwoItems, "group");
  first_ = first.task_token();
  const auto second = BeginSecond();
  ASSERT_THAT(CompleteItems(second, {"x", "y!"}), IsOk());
  EXPECT_THAT(CompleteItems(second, {"x", "y!"}), IsOk()) << "a repeated report";
  ASSERT_EQ(Describe().pending_activities_size(), 1);
  EXPECT_EQ(Pending().activity_id(), "y/it");
  EXPECT_EQ(Pending().worker_id(), "slow");
  EXPECT_EQ(Pending().attempt(), 1);
  ASSERT_THAT(CompleteItems(first, {"x", "y"}), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["x=by second","y=by first"])");
  EXPECT_THAT(Attempts(), ElementsAre("SECOND_FAILED quick"));
}

TEST_F(SecondAttemptTest, ItemsThatFailInTheFirstAreLeftToTheSecond) {
  const auto first = StartSlow(kTwoItems, "group");
  first_ = first.task_token();
  const auto second = BeginSecond();
  ASSERT_THAT(CompleteItems(first, {"x", "y!"}), IsOk());
  EXPECT_EQ(Pending().worker_id(), "quick");
  EXPECT_EQ(Pending().attempt(), 2);
  ASSERT_THAT(CompleteItems(second, {"x", "y"}), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["x=by first","y=by second"])");
  EXPECT_THAT(Attempts(), ElementsAre("FAILED slow"));
}

TEST_F(SecondAttemptTest, OnlyWhereItIsAllowed) {
  StartSlow(R"("priority": 1)");
  EXPECT_THAT(ClaimAs("quick"), IsEmpty()) << "the activity does not say that it may";
}

TEST_F(SecondAttemptTest, OnlyOnAnotherHost) {
  StartSlow();
  EXPECT_THAT(ClaimAs("slow"), IsEmpty());
  EXPECT_THAT(ClaimAs("slow/2/abc"), IsEmpty());
}

TEST_F(SecondAttemptTest, NotByAWorkerThatIsSlowItself) {
  StartScript(engine_, "d", R"({"activity": "work", "options": {"estimatedCost": 10, "secondAttempt": true}})");
  const auto task = ClaimOne(engine_, "test", "sluggish");
  Sql("UPDATE activity_tasks SET started_time_us = started_time_us - 600000000");
  ASSERT_THAT(Complete(engine_, task), IsOk());
  StartSlow();
  EXPECT_THAT(ClaimAs("sluggish"), IsEmpty());
  BeginSecond();
}

TEST_F(SecondAttemptTest, NobodyLooksWhileNothingRuns) {
  const auto first = StartSlow();
  ASSERT_THAT(Complete(engine_, first), IsOk());
  EXPECT_TRUE(Eventually([&] { return !engine_.MayHaveStragglers("test"); }));
  EXPECT_FALSE(engine_.MayHaveStragglers("elsewhere"));
}

TEST_F(SecondAttemptTest, NotWhatWouldEndSoonAnyway) {
  const auto first = StartSlow();
  Renew("slow", {first}, 0.99999999);
  EXPECT_THAT(ClaimAs("quick"), IsEmpty());
}

TEST_F(SecondAttemptTest, NotWhileTheRunHasMuchToDo) {
  StartSlow();
  StartScript(engine_, "v", R"({"all": [{"signal": "s"}]})");
  // Work of the same run that waits in a queue that nobody works off.
  Sql("INSERT INTO activity_tasks (run_id, scheduled_event_id, workflow_id, tenant, traceparent, queue, activity_type, activity_id, "
      "priority, "
      "estimated_cost, input, retry, schedule_to_start_us, start_to_close_us, heartbeat_us, scheduled_time_us, visible_at_us) "
      "SELECT run_id, 100 + n, workflow_id, tenant, '', 'elsewhere', 'work', 'more', 0, 1, '', '{}', 0, 0, 0, scheduled_time_us, "
      "visible_at_us "
      "FROM activity_tasks, generate_series(1, 4) AS n WHERE workflow_id = 'w'");
  EXPECT_THAT(ClaimAs("quick"), IsEmpty());
}

TEST_F(SecondAttemptTest, NotWhatIsPausedOrBeyondALimit) {
  StartSlow();
  v1::SetQueueSettingsRequest queue;
  queue.set_queue("test");
  queue.set_paused(true);
  ASSERT_THAT(engine_.SetQueueSettings(queue), IsOk());
  EXPECT_THAT(ClaimAs("quick"), IsEmpty());
  queue.set_paused(false);
  queue.set_max_running(1);
  ASSERT_THAT(engine_.SetQueueSettings(queue), IsOk());
  EXPECT_THAT(ClaimAs("quick"), IsEmpty());
  queue.set_max_running(2);
  ASSERT_THAT(engine_.SetQueueSettings(queue), IsOk());
  BeginSecond();
  StartScript(engine_, "v", R"({"activity": "work"})");
  EXPECT_THAT(ClaimNow(engine_, 1), IsEmpty()) << "both count";
}

TEST_F(SecondAttemptTest, BothWorkersAreShownWithIt) {
  const auto first = StartSlow();
  const auto second = BeginSecond();
  Renew("slow", {first});
  Renew("quick", {second});
  const auto fleet = engine_.DescribeQueues().value();
  ASSERT_EQ(fleet.workers_size(), 2);
  for (const auto& worker : fleet.workers()) EXPECT_THAT(worker.activities(), ElementsAre("w: it")) << worker.worker_id();
}

// A replica of a version before has ended the task, and knows nothing of its second attempt.
TEST_F(SecondAttemptTest, WhatIsLeftOverGoes) {
  StartSlow();
  BeginSecond();
  Sql("DELETE FROM activity_tasks");
  Sql("UPDATE activity_second_attempts SET attempt_deadline_us = 1");
  EXPECT_TRUE(Eventually([&] { return NothingIsLeft(); }));
}

// It has put the task back instead: nobody may find the second attempt overdue for as long as the task waits.
TEST_F(SecondAttemptTest, WhatIsLeftOverOfATaskThatWaitsGoes) {
  StartSlow();
  BeginSecond();
  Sql("UPDATE activity_tasks SET state = 'SCHEDULED', worker_id = '', started_time_us = NULL, attempt_deadline_us = NULL, "
      "lease_deadline_us = NULL");
  Sql("UPDATE activity_second_attempts SET attempt_deadline_us = 1");
  EXPECT_TRUE(Eventually([&] { return Sql("SELECT 1 FROM activity_second_attempts WHERE lease <> 0").empty(); }));
  EXPECT_THAT(Attempts(), ElementsAre("SECOND_FAILED quick"));
  ASSERT_THAT(Complete(engine_, ClaimOne(engine_, "test", "third"), "by third"), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["by third"])");
  EXPECT_TRUE(NothingIsLeft());
}

// Who waits for it would hold up the claims of the whole queue meanwhile.
TEST_F(SecondAttemptTest, ARunThatIsBusyIsNotWaitedFor) {
  StartSlow();
  {
    pqxx::connection holder(url_);
    pqxx::nontransaction(holder).exec("SET idle_in_transaction_session_timeout = '2s'");
    pqxx::work held(holder);
    held.exec("SELECT 1 FROM workflow_runs WHERE workflow_id = 'w' FOR UPDATE");
    EXPECT_THAT(ClaimAs("quick"), IsEmpty()) << "the run was waited for until its holder had lost it";
  }
  BeginSecond();
}

TEST(SecondAttempts, CanBeSwitchedOff) {
  EngineOptions options = AlwaysLooking();
  options.second_attempts = false;
  TestOrchestrator orchestrator(pg::TestPostgres::Shared().NewDatabase(), TestOrchestrator::DefaultRegistry(),
                                TestOrchestrator::QuickPasses(), rpc::Authorizer::Open(), options);
  Engine& engine = orchestrator.engine();
  for (const char* id : {"a", "b", "c", "d"}) {
    StartScript(engine, id, R"({"activity": "work", "options": {"estimatedCost": 10, "secondAttempt": true}})");
    const auto task = ClaimOne(engine);
    if (*id == 'd') break;
    ASSERT_THAT(Complete(engine, task), IsOk());
  }
  ASSERT_THAT(engine.UpdateQueueMetrics(), IsOk());
  EXPECT_FALSE(engine.MayHaveStragglers("test"));
}

}  // namespace
}  // namespace vora::workflow
