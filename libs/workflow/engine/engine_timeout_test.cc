// Temporal's four timeouts, and leases.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <nlohmann/json.hpp>

#include "libs/pg/database.h"
#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/store/due_repo_internal.h"
#include "libs/workflow/testing/test_orchestrator.h"

namespace vora::workflow {
namespace {

using namespace testing;

class TimeoutTest : public ::testing::Test {
 protected:
  // The event that ended the activity.
  nlohmann::json End(const std::string& id, const std::string& name) {
    for (const auto& event : History(engine_, id)) {
      if (EventNames({event})[0] == name) return nlohmann::json::parse(event.attributes());
    }
    return {};
  }
  TestOrchestrator orchestrator_{pg::TestPostgres::Shared().NewDatabase()};
  Engine& engine_ = orchestrator_.engine();
};

TEST_F(TimeoutTest, ScheduleToStartIsFinal) {
  StartScript(engine_, "w", R"({"activity": "a", "options": {"scheduleToStartTimeout": "0.05s"}})");
  const auto info = WaitClosed(engine_, "w");
  EXPECT_EQ(info.failure().code(), "timeout.schedule_to_start");
  EXPECT_EQ(End("w", "ACTIVITY_TASK_TIMED_OUT")["timeout_type"], "SCHEDULE_TO_START");
}

TEST_F(TimeoutTest, StartToCloseIsRetriedAndHeartbeatsDoNotExtendIt) {
  StartScript(engine_, "w", R"({"activity": "a", "options": {"startToCloseTimeout": "0.2s", "heartbeatTimeout": "10s",
                                "retry": {"maximumAttempts": 2, "initialInterval": "0.001s"}}})");
  const auto first = ClaimOne(engine_);
  v1::HeartbeatActivityRequest heartbeat;
  heartbeat.set_task_token(first.task_token());
  ASSERT_TRUE(Eventually([&] { return engine_.Heartbeat(heartbeat).status().code() == StatusCode::kAborted; }));
  const auto second = ClaimOne(engine_);
  EXPECT_EQ(second.attempt(), 2);
  EXPECT_EQ(WaitClosed(engine_, "w").failure().code(), "timeout.start_to_close");
  const auto end = End("w", "ACTIVITY_TASK_TIMED_OUT");
  EXPECT_EQ(end["timeout_type"], "START_TO_CLOSE");
  EXPECT_EQ(end["attempt"], 2);
  EXPECT_THAT(Complete(engine_, second), StatusIs(StatusCode::kAborted));
}

TEST_F(TimeoutTest, AMissedHeartbeatEndsTheLeaseAndKeepsTheCheckpoint) {
  StartScript(engine_, "w", R"({"activity": "a", "options": {"heartbeatTimeout": "0.1s", "startToCloseTimeout": "60s",
                                "retry": {"initialInterval": "0.001s"}}})");
  const auto first = ClaimOne(engine_);
  v1::HeartbeatActivityRequest heartbeat;
  heartbeat.set_task_token(first.task_token());
  heartbeat.set_checkpoint("{\"done\":2}");
  ASSERT_THAT(engine_.Heartbeat(heartbeat), IsOk());
  const auto second = ClaimOne(engine_);  // nobody sends another heartbeat
  EXPECT_EQ(second.attempt(), 2);
  EXPECT_EQ(second.checkpoint(), "{\"done\":2}");
  EXPECT_THAT(Complete(engine_, first, "\"late\""), StatusIs(StatusCode::kAborted)) << "fenced off";
  ASSERT_THAT(Complete(engine_, second, "\"right\""), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["\"right\""])");
}

// What one replica has taken up, another one passes by; what comes to no end is taken up again later.
TEST_F(TimeoutTest, ReplicasShareWhatIsOverdue) {
  const std::string url = pg::TestPostgres::Shared().NewDatabase();
  PassOptions never = TestOrchestrator::QuickPasses();
  never.due_interval = std::chrono::hours(1);
  TestOrchestrator orchestrator(url, TestOrchestrator::DefaultRegistry(), never);
  for (const char* id : {"a", "b", "c"})
    StartScript(orchestrator.engine(), id, R"({"activity": "a", "options": {"scheduleToStartTimeout": "3600s"}})");
  obs::Metrics metrics;
  pg::Database db({.url = url}, metrics);
  ASSERT_THAT(db.Transact([](pqxx::work& tx) -> Status {
    tx.exec("UPDATE activity_tasks SET schedule_to_start_deadline_us = 1");
    return {};
  }),
              IsOk());
  const auto take = [&](int limit, const std::function<void()>& meanwhile) {
    return db
        .Transact([&](pqxx::work& tx) -> StatusOr<size_t> {
          const size_t taken = repo::TakeOverdueTasks(tx, true, limit).size();
          meanwhile();
          return taken;
        })
        .value();
  };
  EXPECT_EQ(take(2, [&] { EXPECT_EQ(take(10, [] {}), 1u) << "before the other one has committed"; }), 2u);
  EXPECT_EQ(take(10, [] {}), 0u) << "and after";
  ASSERT_THAT(db.Transact([](pqxx::work& tx) -> Status {
    tx.exec("UPDATE activity_tasks SET look_at_us = 1");
    return {};
  }),
              IsOk());
  ASSERT_THAT(orchestrator.engine().HandleDue(true).status(), IsOk());
  for (const char* id : {"a", "b", "c"}) EXPECT_EQ(WaitClosed(orchestrator.engine(), id).failure().code(), "timeout.schedule_to_start");
}

TEST_F(TimeoutTest, ScheduleToCloseEndsItOverAllAttempts) {
  StartScript(engine_, "w", R"({"activity": "a", "options": {"scheduleToCloseTimeout": "0.3s", "startToCloseTimeout": "60s",
                                "retry": {"initialInterval": "0.01s"}}})");
  EXPECT_TRUE(*Fail(engine_, ClaimOne(engine_), "x"));
  const auto second = ClaimOne(engine_);
  EXPECT_EQ(WaitClosed(engine_, "w").failure().code(), "timeout.schedule_to_close");
  EXPECT_EQ(End("w", "ACTIVITY_TASK_TIMED_OUT")["timeout_type"], "SCHEDULE_TO_CLOSE");
}

TEST_F(TimeoutTest, NoRetryThatWouldBeginAfterScheduleToClose) {
  StartScript(engine_, "w", R"({"activity": "a", "options": {"scheduleToCloseTimeout": "5s", "startToCloseTimeout": "1s",
                                "retry": {"initialInterval": "60s"}}})");
  EXPECT_FALSE(*Fail(engine_, ClaimOne(engine_), "x"));
  EXPECT_EQ(WaitClosed(engine_, "w").failure().code(), "x");
}

TEST_F(TimeoutTest, TheLeaseIsStartToCloseWhenThereAreNoHeartbeats) {
  StartScript(engine_, "w", R"({"activity": "a", "options": {"startToCloseTimeout": "0.1s", "retry": {"initialInterval": "0.001s"}}})");
  const auto first = ClaimOne(engine_);
  const auto second = ClaimOne(engine_);
  EXPECT_EQ(second.attempt(), 2);
  EXPECT_THAT(Complete(engine_, first), StatusIs(StatusCode::kAborted));
}

TEST_F(TimeoutTest, ACancelledAttemptThatGoesSilentEndsAsCanceled) {
  StartScript(engine_, "w", R"({"activity": "a", "options": {"heartbeatTimeout": "0.1s", "startToCloseTimeout": "60s"}},
                               {"cleanup": {"timer_ms": 1000}})");
  const auto task = ClaimOne(engine_);
  v1::CancelWorkflowRequest cancel;
  cancel.set_workflow_id("w");
  ASSERT_THAT(engine_.Cancel(cancel), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").status(), v1::WORKFLOW_STATUS_CANCELED);
  EXPECT_FALSE(End("w", "ACTIVITY_TASK_CANCELED").is_null());
  EXPECT_TRUE(ClaimNow(engine_, 1).empty());
}

TEST(LeaseGraceTest, AfterAStartMissingHeartbeatsAreNotCountedAtOnce) {
  const std::string database = pg::TestPostgres::Shared().NewDatabase();
  auto never = TestOrchestrator::QuickPasses();
  never.due_interval = std::chrono::hours(1);
  std::string run_id;
  v1::ActivityTask task;
  {
    TestOrchestrator before(database, TestOrchestrator::DefaultRegistry(), never);
    StartScript(before.engine(), "w", R"({"activity": "a", "options": {"heartbeatTimeout": "0.05s", "startToCloseTimeout": "60s"}})");
    task = ClaimOne(before.engine());
  }
  auto graceful = TestOrchestrator::QuickPasses();
  graceful.lease_grace = std::chrono::hours(1);
  TestOrchestrator after(database, TestOrchestrator::DefaultRegistry(), graceful);
  // A timer that fires shows that sweeps are under way and past the lease's end.
  StartScript(after.engine(), "timer", R"({"timer_ms": 200})");
  WaitClosed(after.engine(), "timer");
  EXPECT_THAT(Complete(after.engine(), task), IsOk());
}

}  // namespace
}  // namespace vora::workflow
