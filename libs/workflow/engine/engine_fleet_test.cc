#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "libs/pg/database.h"
#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/engine/engine.h"
#include "libs/workflow/testing/test_orchestrator.h"

namespace vora::workflow {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EngineFleetTest : public ::testing::Test {
 protected:
  const std::string url_ = pg::TestPostgres::Shared().NewDatabase();
  obs::Metrics metrics_;
  TestOrchestrator orchestrator_{url_};
  Engine& engine_ = orchestrator_.engine();

  Status Report(const std::string& id, int running, bool leaving = false) {
    v1::ReportWorkerRequest request;
    request.set_worker_id(id);
    request.set_queue("q");
    request.set_leaving(leaving);
    request.mutable_status()->set_slots(2);
    request.mutable_status()->set_running(running);
    request.mutable_status()->set_encode_speed(3.5);
    request.mutable_status()->set_version("1.2.3");
    return engine_.ReportWorker(request);
  }
  // Queues are counted now and then.
  v1::DescribeQueuesResponse Fleet(const std::function<bool(const v1::DescribeQueuesResponse&)>& counted) {
    v1::DescribeQueuesResponse fleet;
    EXPECT_TRUE(Eventually([&] { return counted(fleet = engine_.DescribeQueues().value()); })) << fleet.ShortDebugString();
    return fleet;
  }
};

TEST_F(EngineFleetTest, KnowsTheWorkersThatReportAndForgetsThoseThatLeave) {
  ASSERT_THAT(Report("one", 0), IsOk());
  ASSERT_THAT(Report("two", 0), IsOk());
  ASSERT_THAT(Report("one", 1), IsOk());
  auto fleet = engine_.DescribeQueues();
  ASSERT_THAT(fleet, IsOk());
  ASSERT_EQ(fleet->workers_size(), 2);
  EXPECT_EQ(fleet->workers(0).worker_id(), "one");
  EXPECT_EQ(fleet->workers(0).status().running(), 1);
  EXPECT_EQ(fleet->workers(0).status().encode_speed(), 3.5);
  EXPECT_EQ(fleet->workers(0).status().version(), "1.2.3");
  EXPECT_GT(fleet->workers(0).last_seen().seconds(), 1'700'000'000);
  const auto queues = Fleet([](const auto& counted) { return counted.queues_size() == 1; });
  EXPECT_EQ(queues.queues(0).name(), "q") << "a queue without tasks that somebody works off is listed";
  ASSERT_THAT(Report("one", 0, /*leaving=*/true), IsOk());
  fleet = engine_.DescribeQueues();
  ASSERT_EQ(fleet->workers_size(), 1);
  EXPECT_EQ(fleet->workers(0).worker_id(), "two");
}

TEST_F(EngineFleetTest, CountsReadyAndRunningAndSaysWhoDoesWhat) {
  StartScript(engine_, "w", R"({"activity": "a", "id": "one"})");
  StartScript(engine_, "v", R"({"activity": "a", "id": "two"})");
  auto fleet = Fleet([](const auto& counted) { return counted.queues_size() == 1 && counted.queues(0).ready() == 2; });
  EXPECT_EQ(fleet.queues(0).running(), 0);
  const auto task = ClaimOne(engine_);
  v1::ReportWorkerRequest request;
  request.set_worker_id("tester");
  request.set_queue(fleet.queues(0).name());
  ASSERT_THAT(engine_.ReportWorker(request), IsOk());
  fleet = Fleet([](const auto& counted) { return counted.queues(0).ready() == 1; });
  EXPECT_EQ(fleet.queues(0).running(), 1);
  ASSERT_EQ(fleet.workers_size(), 1);
  EXPECT_THAT(fleet.workers(0).activities(), ElementsAre(task.workflow_id() + ": " + task.activity_id()));
}

// However many replicas ask, and however often.
TEST_F(EngineFleetTest, QueuesAreCountedOnceForAllReplicas) {
  StartScript(engine_, "w", R"({"activity": "a"})");
  (void)Fleet([](const auto& counted) { return counted.queues_size() == 1; });
  pg::Database db({.url = url_}, metrics_);
  // Another one has just counted, and found something else.
  ASSERT_THAT(db.Transact([&](pqxx::work& tx) -> Status {
    tx.exec(R"(UPDATE workflow_duties SET next_us = vora_now_us() + 3600000000, result = CASE duty WHEN 'runs' THEN '[7, 2, 5.5, 1.5, 0]'
               ELSE '[["elsewhere", 1, 2, 3, 4.5, 10, 20, 0, 1, 4, 3]]' END WHERE duty IN ('runs', 'queues'))");
    return {};
  }),
              IsOk());
  const auto fleet = engine_.DescribeQueues();
  ASSERT_THAT(fleet, IsOk());
  ASSERT_EQ(fleet->queues_size(), 1);
  EXPECT_EQ(fleet->queues(0).name(), "elsewhere");
  EXPECT_EQ(fleet->queues(0).delayed(), 2);
  EXPECT_EQ(fleet->queues(0).running_cost(), 20);
  ASSERT_THAT(engine_.UpdateQueueMetrics(), IsOk());
  EXPECT_THAT(orchestrator_.metrics().Expose(), HasSubstr("vora_workflow_runs{state=\"parked\"} 2"));
  EXPECT_THAT(orchestrator_.metrics().Expose(), HasSubstr("vora_activity_queue_depth{queue=\"elsewhere\"} 3"));
}

TEST_F(EngineFleetTest, ARunIsSilentSinceItsLastEvent) {
  StartScript(engine_, "w", R"({"activity": "a"}, {"activity": "b"})");
  pg::Database db({.url = url_}, metrics_);
  const auto sql = [&](const std::string& text) {
    return db.Transact([&](pqxx::work& tx) -> StatusOr<pqxx::result> { return tx.exec(text); }).value();
  };
  const auto silence = [&] {
    const std::string text = orchestrator_.metrics().Expose(), name = "\nvora_workflow_longest_silence_seconds ";
    const size_t at = text.find(name);
    return at == std::string::npos ? 0 : std::stod(text.substr(at + name.size()));  // not counted yet
  };
  sql("UPDATE workflow_runs SET last_event_us = last_event_us - 3600000000");
  EXPECT_TRUE(Eventually([&] { return silence() >= 3600; }));
  ASSERT_THAT(Complete(engine_, ClaimOne(engine_)), IsOk());
  EXPECT_TRUE(Eventually([&] { return silence() < 3600; }));
  // One that has not changed since an older version wrote it.
  sql("UPDATE workflow_runs SET last_event_us = NULL; UPDATE workflow_events SET time_us = time_us - 7200000000");
  EXPECT_TRUE(Eventually([&] { return silence() >= 7200; }));
}

// An answer with tasks may be lost when a worker goes down while it polls.
TEST_F(EngineFleetTest, AWorkerThatLeavesGivesUpWhatItStillHolds) {
  StartScript(engine_, "w", R"({"activity": "a", "options": {"heartbeatTimeout": "600s", "startToCloseTimeout": "600s"}})");
  StartScript(engine_, "v", R"({"activity": "a"})");
  auto task = ClaimOne(engine_, "test", "leaver"), other = ClaimOne(engine_, "test", "stayer");
  v1::HeartbeatActivityRequest heartbeat;
  heartbeat.set_task_token(task.task_token());
  heartbeat.set_checkpoint("{\"n\":3}");
  ASSERT_THAT(engine_.Heartbeat(heartbeat), IsOk());
  ASSERT_THAT(Report("leaver", 0, /*leaving=*/true), IsOk());
  const auto again = ClaimOne(engine_, "test", "stayer");
  EXPECT_EQ(again.workflow_id(), task.workflow_id());
  EXPECT_EQ(again.attempt(), 1) << "no attempt is lost";
  EXPECT_EQ(again.checkpoint(), "{\"n\":3}");
  EXPECT_THAT(Complete(engine_, task), StatusIs(StatusCode::kAborted)) << "the leaver has it no more";
  EXPECT_THAT(Complete(engine_, other), IsOk());
  EXPECT_THAT(Complete(engine_, again), IsOk());
  ASSERT_THAT(Report("leaver", 0, /*leaving=*/true), IsOk()) << "saying it again is no error";
}

TEST_F(EngineFleetTest, RefusesAReportWithoutAName) {
  const Status refused = Report("", 0);
  EXPECT_THAT(refused, StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Message(refused), HasSubstr("worker_id: must have 1 to 200 characters"));
  EXPECT_THAT(Message(Report(std::string(201, 'x'), 0)), HasSubstr("worker_id"));
}

}  // namespace
}  // namespace vora::workflow
