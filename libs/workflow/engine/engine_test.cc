#include "libs/workflow/engine/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/definition/history.h"
#include "libs/workflow/testing/test_orchestrator.h"

namespace vora::workflow {
namespace {

using namespace testing;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class EngineTest : public ::testing::Test {
 protected:
  TestOrchestrator orchestrator_{pg::TestPostgres::Shared().NewDatabase()};
  Engine& engine_ = orchestrator_.engine();
};

nlohmann::json Attributes(const v1::HistoryEvent& event) { return nlohmann::json::parse(event.attributes()); }

TEST_F(EngineTest, RunsAWorkflowToItsResult) {
  StartScript(engine_, "w", R"({"activity": "a", "id": "one", "input": "1"}, {"activity": "b", "id": "two"})");
  const auto first = ClaimOne(engine_);
  EXPECT_EQ(first.activity_type(), "a");
  EXPECT_EQ(first.activity_id(), "one");
  EXPECT_EQ(first.input(), "1");
  EXPECT_EQ(first.attempt(), 1);
  EXPECT_EQ(first.workflow_id(), "w");
  EXPECT_EQ(first.tenant(), "default");
  ASSERT_THAT(Complete(engine_, first, "\"x\""), IsOk());
  ASSERT_THAT(Complete(engine_, ClaimOne(engine_), "\"y\""), IsOk());

  const auto info = WaitClosed(engine_, "w");
  EXPECT_EQ(info.status(), v1::WORKFLOW_STATUS_COMPLETED);
  EXPECT_EQ(info.result(), R"(["\"x\"","\"y\""])");
  const auto history = History(engine_, "w");
  EXPECT_THAT(EventNames(history), ElementsAre("WORKFLOW_EXECUTION_STARTED", "ACTIVITY_TASK_SCHEDULED", "ACTIVITY_TASK_COMPLETED",
                                               "ACTIVITY_TASK_SCHEDULED", "ACTIVITY_TASK_COMPLETED", "WORKFLOW_EXECUTION_COMPLETED"));
  const auto end = Attributes(history[2]);
  EXPECT_EQ(end["attempt"], 1);
  EXPECT_EQ(end["worker_id"], "tester");
  EXPECT_EQ(end["scheduled_event_id"], 2);
  EXPECT_GT(end["started_time_us"].get<int64_t>(), 0);
}

TEST_F(EngineTest, ACompletionMayBeRepeatedButNotByAnotherAttempt) {
  StartScript(engine_, "w", R"({"activity": "a"}, {"activity": "b"})");
  const auto task = ClaimOne(engine_);
  ASSERT_THAT(Complete(engine_, task), IsOk());
  EXPECT_THAT(Complete(engine_, task), IsOk());
  auto forged = task;
  std::string token = task.task_token();
  token.back() = token.back() == '7' ? '8' : '7';  // the lease
  forged.set_task_token(token);
  EXPECT_THAT(Complete(engine_, forged), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(EventNames(History(engine_, "w")).size(), 4u);
  forged.set_task_token("nonsense");
  EXPECT_THAT(Complete(engine_, forged), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(EngineTest, RetriesKeepTheCheckpointAndAddOneEventInTheEnd) {
  StartScript(engine_, "w", R"({"activity": "a"})");
  const auto first = ClaimOne(engine_);
  v1::HeartbeatActivityRequest heartbeat;
  heartbeat.set_task_token(first.task_token());
  heartbeat.set_checkpoint("{\"n\":1}");
  heartbeat.set_progress(0.5);
  ASSERT_THAT(engine_.Heartbeat(heartbeat), IsOk());
  const auto failed = Fail(engine_, first, "worker.crashed");
  ASSERT_THAT(failed, IsOk());
  EXPECT_TRUE(*failed);
  EXPECT_TRUE(*Fail(engine_, first, "worker.crashed")) << "a repeated report is no error";
  EXPECT_THAT(engine_.Heartbeat(heartbeat), StatusIs(StatusCode::kAborted));

  const auto second = ClaimOne(engine_);
  EXPECT_EQ(second.attempt(), 2);
  EXPECT_EQ(second.checkpoint(), "{\"n\":1}");
  EXPECT_THAT(Complete(engine_, first), StatusIs(StatusCode::kAborted)) << "the first attempt is over";
  ASSERT_THAT(Complete(engine_, second), IsOk());
  WaitClosed(engine_, "w");
  const auto history = History(engine_, "w");
  ASSERT_EQ(history.size(), 4u);
  EXPECT_EQ(Attributes(history[2])["attempt"], 2);
}

TEST_F(EngineTest, EndsAfterTheLastAttempt) {
  StartScript(engine_, "w", R"({"activity": "a", "options": {"retry": {"maximumAttempts": 2, "initialInterval": "0.001s"}}})");
  EXPECT_TRUE(*Fail(engine_, ClaimOne(engine_), "x"));
  EXPECT_FALSE(*Fail(engine_, ClaimOne(engine_), "x"));
  const auto info = WaitClosed(engine_, "w");
  EXPECT_EQ(info.status(), v1::WORKFLOW_STATUS_FAILED);
  EXPECT_EQ(info.failure().code(), "x");
}

TEST_F(EngineTest, DoesNotRetryWhatIsNotRetryable) {
  StartScript(engine_, "by-flag", R"({"activity": "a"})");
  EXPECT_FALSE(*Fail(engine_, ClaimOne(engine_), "x", true));
  StartScript(engine_, "by-code", R"({"activity": "a", "options": {"retry": {"nonRetryableErrorTypes": ["media.*"]}}})");
  EXPECT_FALSE(*Fail(engine_, ClaimOne(engine_), "media.no_video"));
  EXPECT_EQ(WaitClosed(engine_, "by-code").failure().code(), "media.no_video");
}

TEST_F(EngineTest, PendingActivitiesShowProgressAndFailures) {
  StartScript(engine_, "w", R"({"activity": "a", "id": "one", "options": {"retry": {"initialInterval": "60s"}}})");
  const auto task = ClaimOne(engine_);
  v1::HeartbeatActivityRequest heartbeat;
  heartbeat.set_task_token(task.task_token());
  heartbeat.set_progress(0.25);
  ASSERT_THAT(engine_.Heartbeat(heartbeat), IsOk());
  v1::DescribeWorkflowRequest request;
  request.set_workflow_id("w");
  auto described = engine_.Describe(request);
  ASSERT_THAT(described, IsOk());
  ASSERT_EQ(described->pending_activities_size(), 1);
  EXPECT_EQ(described->pending_activities(0).state(), v1::PENDING_ACTIVITY_STATE_STARTED);
  EXPECT_EQ(described->pending_activities(0).progress(), 0.25);
  EXPECT_EQ(described->pending_activities(0).activity_id(), "one");
  ASSERT_THAT(Fail(engine_, task, "boom"), IsOk());
  described = engine_.Describe(request);
  ASSERT_THAT(described, IsOk());
  EXPECT_EQ(described->pending_activities(0).state(), v1::PENDING_ACTIVITY_STATE_SCHEDULED);
  EXPECT_EQ(described->pending_activities(0).attempt(), 2);
  EXPECT_EQ(described->pending_activities(0).last_failure().code(), "boom");
  EXPECT_GT(described->pending_activities(0).next_attempt_time().seconds(), described->info().start_time().seconds() + 50);
  EXPECT_TRUE(ClaimNow(engine_, 1).empty()) << "not before its time";
}

TEST_F(EngineTest, ReleaseDoesNotCountTheAttempt) {
  StartScript(engine_, "w", R"({"activity": "a"})");
  const auto first = ClaimOne(engine_);
  v1::ReleaseActivityRequest release;
  release.set_task_token(first.task_token());
  release.set_checkpoint("{\"at\":3}");
  ASSERT_THAT(engine_.Release(release), IsOk());
  EXPECT_THAT(engine_.Release(release), IsOk());
  EXPECT_THAT(Complete(engine_, first), StatusIs(StatusCode::kAborted));
  const auto second = ClaimOne(engine_);
  EXPECT_EQ(second.attempt(), 1);
  EXPECT_EQ(second.checkpoint(), "{\"at\":3}");
}

TEST_F(EngineTest, PrioritiesGoFirstThenAge) {
  StartScript(engine_, "w", R"({"all": [{"activity": "a", "id": "1"}, {"activity": "a", "id": "2"},
                                        {"activity": "a", "id": "3", "options": {"priority": 7}}]})");
  const auto tasks = ClaimNow(engine_, 10);
  ASSERT_EQ(tasks.size(), 3u);
  EXPECT_EQ(tasks[0].activity_id(), "3");
  EXPECT_EQ(tasks[1].activity_id(), "1");
  EXPECT_EQ(tasks[2].activity_id(), "2");
}

TEST_F(EngineTest, PollsFilterByActivityType) {
  StartScript(engine_, "w", R"({"all": [{"activity": "a"}, {"activity": "b"}]})");
  v1::PollActivitiesRequest request;
  request.set_queue("test");
  request.set_max_tasks(10);
  request.add_activity_types()->push_back('b');
  const auto tasks = engine_.Claim(request);
  ASSERT_THAT(tasks, IsOk());
  ASSERT_EQ(tasks->size(), 1u);
  EXPECT_EQ((*tasks)[0].activity_type(), "b");
}

TEST_F(EngineTest, PayloadsHaveALimit) {
  StartScript(engine_, "w", R"({"activity": "a"})");
  std::string big;
  big.resize(kMaxPayloadBytes + 1, 'x');
  const Status status = Complete(engine_, ClaimOne(engine_), big);
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Message(status), HasSubstr("result: 1048577 bytes are more than the limit of 1048576"));
}

// Of a line of the metrics; -1: there is none.
double ValueOf(const obs::Metrics& metrics, const std::string& line) {
  const std::string text = metrics.Expose();
  const size_t at = text.find("\n" + line + " ");
  return at == std::string::npos ? -1 : std::stod(text.substr(at + line.size() + 2));
}

TEST_F(EngineTest, SetsQueueMetrics) {
  const auto becomes = [&](const std::string& line, double value) {
    return Eventually([&] { return ValueOf(orchestrator_.metrics(), line) == value; });
  };
  StartScript(engine_, "w", R"({"activity": "a", "options": {"estimatedCost": 12.5}})");
  EXPECT_TRUE(becomes("vora_activity_queue_depth{queue=\"test\"}", 1));
  EXPECT_TRUE(becomes("vora_activity_queue_encode_seconds{queue=\"test\"}", 12.5));
  ASSERT_THAT(Complete(engine_, ClaimOne(engine_)), IsOk());
  EXPECT_TRUE(becomes("vora_activity_queue_depth{queue=\"test\"}", 0));
  EXPECT_THAT(orchestrator_.metrics().Expose(), HasSubstr("vora_activity_attempts_total{result=\"completed\",type=\"a\"}"));
  EXPECT_THAT(orchestrator_.metrics().Expose(), HasSubstr("vora_activity_wait_seconds_count{type=\"a\"}"));
  EXPECT_THAT(orchestrator_.metrics().Expose(), HasSubstr("vora_activity_duration_seconds_count{type=\"a\"}"));
}

TEST_F(EngineTest, SetsRunAndWorkerMetrics) {
  const auto becomes = [&](const std::string& line, double value) {
    return Eventually([&] { return ValueOf(orchestrator_.metrics(), line) == value; });
  };
  StartScript(engine_, "open", R"({"activity": "a"})");
  v1::ReportWorkerRequest report;
  report.set_worker_id("w1");
  report.set_queue("test");
  report.mutable_status()->set_slots(4);
  report.mutable_status()->set_running(1);
  ASSERT_THAT(engine_.ReportWorker(report), IsOk());
  EXPECT_TRUE(becomes("vora_workflow_runs{state=\"running\"}", 1));
  EXPECT_TRUE(becomes("vora_activity_workers{queue=\"test\"}", 1));
  EXPECT_EQ(ValueOf(orchestrator_.metrics(), "vora_workflow_runs{state=\"parked\"}"), 0);
  EXPECT_GT(ValueOf(orchestrator_.metrics(), "vora_workflow_oldest_run_age_seconds"), 0);
  EXPECT_GT(ValueOf(orchestrator_.metrics(), "vora_workflow_longest_silence_seconds"), 0);
  EXPECT_EQ(ValueOf(orchestrator_.metrics(), "vora_activity_worker_slots{queue=\"test\"}"), 4);
  EXPECT_EQ(ValueOf(orchestrator_.metrics(), "vora_activity_worker_slots_in_use{queue=\"test\"}"), 1);
  ASSERT_THAT(Complete(engine_, ClaimOne(engine_)), IsOk());
  report.set_leaving(true);
  ASSERT_THAT(engine_.ReportWorker(report), IsOk());
  EXPECT_TRUE(becomes("vora_workflow_runs{state=\"running\"}", 0));
  EXPECT_TRUE(becomes("vora_activity_workers{queue=\"test\"}", 0));
  EXPECT_THAT(orchestrator_.metrics().Expose(), HasSubstr("vora_workflow_duration_seconds_count{status=\"COMPLETED\",type="));
}

}  // namespace
}  // namespace vora::workflow
