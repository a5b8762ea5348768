// What operators change of runs, queues and tenants.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <nlohmann/json.hpp>
#include <thread>

#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/testing/test_orchestrator.h"

namespace vora::workflow {
namespace {

using namespace testing;
using ::testing::HasSubstr;

class ControlsTest : public ::testing::Test {
 protected:
  Status Pause(const std::string& id = "w", const std::string& reason = "") {
    v1::PauseWorkflowRequest request;
    request.set_workflow_id(id);
    request.set_reason(reason);
    request.set_identity("ann");
    return engine_.Pause(request);
  }
  Status Unpause(const std::string& id = "w") {
    v1::UnpauseWorkflowRequest request;
    request.set_workflow_id(id);
    return engine_.Unpause(request);
  }
  StatusOr<v1::RetryNowResponse> RetryNow(const std::string& activity_id = "", int64_t event_id = 0) {
    v1::RetryNowRequest request;
    request.set_workflow_id("w");
    request.set_activity_id(activity_id);
    request.set_scheduled_event_id(event_id);
    return engine_.RetryNow(request);
  }
  v1::DescribeWorkflowResponse Described(const std::string& id = "w") {
    v1::DescribeWorkflowRequest request;
    request.set_workflow_id(id);
    return engine_.Describe(request).value();
  }
  Status Release(const v1::ActivityTask& task, const std::string& checkpoint) {
    v1::ReleaseActivityRequest request;
    request.set_task_token(task.task_token());
    request.set_checkpoint(checkpoint);
    return engine_.Release(request);
  }
  v1::QueueInfo Queue(const std::string& name = "test") {
    const auto described = engine_.DescribeQueues().value();
    for (const auto& queue : described.queues()) {
      if (queue.name() == name) return queue;
    }
    return {};
  }

  const std::string database_ = pg::TestPostgres::Shared().NewDatabase();
  TestOrchestrator orchestrator_{database_};
  Engine& engine_ = orchestrator_.engine();
};

TEST_F(ControlsTest, APausedRunIsHeldAndGoesOnWhereItWas) {
  StartScript(engine_, "w", R"({"all": [{"activity": "a", "id": "1"}, {"activity": "a", "id": "2"}]}, {"activity": "a", "id": "3"})");
  const auto running = ClaimOne(engine_);
  ASSERT_THAT(Pause("w", "the disks are full"), IsOk());
  ASSERT_THAT(Pause("w", "again"), IsOk()) << "no error, and no change";
  const auto info = Described().info();
  EXPECT_TRUE(info.paused());
  EXPECT_EQ(info.status(), v1::WORKFLOW_STATUS_RUNNING);
  EXPECT_EQ(info.paused_by(), "ann");
  EXPECT_EQ(info.pause_reason(), "the disks are full");
  EXPECT_GT(info.paused_time().seconds(), 0);
  EXPECT_TRUE(engine_.List({}).value().workflows(0).paused());
  EXPECT_TRUE(ClaimNow(engine_, 10).empty());
  EXPECT_TRUE(Eventually([&] { return Queue().held() == 1; }));
  EXPECT_TRUE(Eventually([&] { return Queue().ready() == 0; }));
  // What comes in is taken, and what it causes is held.
  EXPECT_THAT(Release(running, "{\"n\":1}"), IsOk());
  EXPECT_TRUE(ClaimNow(engine_, 10).empty());
  EXPECT_TRUE(Eventually([&] { return Queue().held() == 2; }));
  ASSERT_THAT(Unpause(), IsOk());
  ASSERT_THAT(Unpause(), IsOk());
  EXPECT_FALSE(Described().info().paused());
  const auto tasks = ClaimNow(engine_, 10);
  ASSERT_EQ(tasks.size(), 2u);
  for (const auto& task : tasks) EXPECT_EQ(task.attempt(), 1);
  EXPECT_EQ((tasks[0].activity_id() == running.activity_id() ? tasks[0] : tasks[1]).checkpoint(), "{\"n\":1}");
  EXPECT_THAT(Complete(engine_, tasks[0]), IsOk());
  ASSERT_THAT(Pause(), IsOk());
  EXPECT_THAT(Complete(engine_, tasks[1]), IsOk()) << "a worker that was quicker";
  EXPECT_TRUE(Eventually([&] { return Queue().held() == 1; })) << "the next step";
  EXPECT_TRUE(ClaimNow(engine_, 10).empty());
  ASSERT_THAT(Unpause(), IsOk());
  EXPECT_THAT(Complete(engine_, ClaimOne(engine_)), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").status(), v1::WORKFLOW_STATUS_COMPLETED);
}

TEST_F(ControlsTest, APauseOutlivesTheOrchestratorAndHoldsForAllReplicas) {
  StartScript(engine_, "w", R"({"activity": "a"})");
  ASSERT_THAT(Pause(), IsOk());
  TestOrchestrator other(database_);
  EXPECT_TRUE(ClaimNow(other.engine(), 10).empty());
  v1::UnpauseWorkflowRequest request;
  request.set_workflow_id("w");
  ASSERT_THAT(other.engine().Unpause(request), IsOk());
  EXPECT_THAT(Complete(engine_, ClaimOne(engine_)), IsOk());
}

TEST_F(ControlsTest, WaitingToStartIsNotTimedInAPauseAndTimersGoOn) {
  StartScript(engine_, "w", R"({"all": [{"timer_ms": 50},
      {"activity": "a", "options": {"scheduleToStartTimeout": "0.2s", "startToCloseTimeout": "60s"}}]})");
  ASSERT_THAT(Pause(), IsOk());
  StartScript(engine_, "other", R"({"timer_ms": 600})");
  WaitClosed(engine_, "other");
  const auto names = EventNames(History(engine_, "w"));
  EXPECT_EQ(std::count(names.begin(), names.end(), "TIMER_FIRED"), 1);
  EXPECT_EQ(std::count(names.begin(), names.end(), "ACTIVITY_TASK_TIMED_OUT"), 0);
  ASSERT_THAT(Unpause(), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").failure().code(), "timeout.schedule_to_start") << "counted anew";
}

TEST_F(ControlsTest, AFailedAttemptWaitsForTheEndOfThePause) {
  StartScript(engine_, "w", R"({"activity": "a", "options": {"startToCloseTimeout": "60s", "retry": {"initialInterval": "0.05s"}}})");
  const auto task = ClaimOne(engine_);
  ASSERT_THAT(Pause(), IsOk());
  EXPECT_TRUE(Fail(engine_, task, "flaky").value());
  StartScript(engine_, "other", R"({"timer_ms": 300})");
  WaitClosed(engine_, "other");
  EXPECT_TRUE(ClaimNow(engine_, 10).empty());
  ASSERT_THAT(Unpause(), IsOk());
  EXPECT_EQ(ClaimOne(engine_).attempt(), 2);
}

TEST_F(ControlsTest, ACancelEndsThePause) {
  StartScript(engine_, "w", R"({"activity": "a"}, {"cleanup": {"activity": "c"}})");
  ASSERT_THAT(Pause(), IsOk());
  v1::CancelWorkflowRequest cancel;
  cancel.set_workflow_id("w");
  ASSERT_THAT(engine_.Cancel(cancel), IsOk());
  EXPECT_FALSE(Described().info().paused());
  const auto cleanup = ClaimOne(engine_);
  EXPECT_EQ(cleanup.activity_type(), "c");
  EXPECT_THAT(Complete(engine_, cleanup), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").status(), v1::WORKFLOW_STATUS_CANCELED);
}

TEST_F(ControlsTest, WhatCannotBePausedSaysWhy) {
  EXPECT_THAT(Pause("nothing"), StatusIs(StatusCode::kNotFound, HasSubstr("no workflow nothing")));
  EXPECT_THAT(Pause(""), StatusIs(StatusCode::kInvalidArgument, HasSubstr("workflow_id")));
  StartScript(engine_, "w", R"({"timer_ms": 1})");
  WaitClosed(engine_, "w");
  const auto closed = StatusIs(StatusCode::kFailedPrecondition, HasSubstr("closed (COMPLETED)"));
  EXPECT_THAT(Pause(), closed);
  EXPECT_THAT(Unpause(), closed);
  EXPECT_THAT(RetryNow().status(), closed);
  EXPECT_THAT(Pause("w", std::string(1001, 'x')), StatusIs(StatusCode::kInvalidArgument, HasSubstr("limit of 1000")));
}

TEST_F(ControlsTest, PausesRaceWithWorkersAndNothingIsLostOrDoneTwice) {
  std::string steps;
  for (int i = 0; i < 60; ++i) {
    steps += std::string(i ? "," : "") + R"({"activity": "a", "id": ")" + std::to_string(i) + R"("})";
  }
  StartScript(engine_, "w", R"({"all": [)" + steps + "]}, {\"activity\": \"a\", \"id\": \"last\"}");
  TestOrchestrator second(database_);
  std::atomic<bool> done{false};
  std::atomic<int> completed{0};
  std::vector<std::thread> workers;
  for (int i = 0; i < 3; ++i) {
    workers.emplace_back([&, i] {
      Engine& engine = i % 2 ? second.engine() : engine_;
      for (int n = 0; !done; ++n) {
        for (const auto& task : ClaimNow(engine, 2)) {
          if ((n + i) % 3 == 0) {
            (void)Release(task, "{}");
          } else if (Complete(engine, task).ok()) {
            ++completed;
          }
        }
      }
    });
  }
  while (Described().info().status() == v1::WORKFLOW_STATUS_RUNNING) {
    const Status paused = Pause();
    if (paused.ok()) (void)Unpause();
  }
  done = true;
  for (auto& worker : workers) worker.join();
  EXPECT_EQ(WaitClosed(engine_, "w").status(), v1::WORKFLOW_STATUS_COMPLETED);
  EXPECT_EQ(completed, 61);
  const auto names = EventNames(History(engine_, "w"));
  EXPECT_EQ(std::count(names.begin(), names.end(), "ACTIVITY_TASK_COMPLETED"), 61);
}

TEST_F(ControlsTest, RetryNowDoesNotWait) {
  StartScript(engine_, "w", R"({"all": [
      {"activity": "a", "id": "1", "options": {"startToCloseTimeout": "60s", "retry": {"initialInterval": "3600s"}}},
      {"activity": "a", "id": "2", "options": {"startToCloseTimeout": "60s", "retry": {"initialInterval": "3600s"}}},
      {"activity": "a", "id": "3"}]})");
  EXPECT_EQ(RetryNow().value().retried(), 0) << "nothing waits";
  const auto tasks = ClaimNow(engine_, 10);
  ASSERT_EQ(tasks.size(), 3u);
  int64_t second = 0;
  for (const auto& task : tasks) {
    if (task.activity_id() == "3") continue;
    EXPECT_TRUE(Fail(engine_, task, "flaky").value());
    if (task.activity_id() == "2") second = task.scheduled_event_id();
  }
  EXPECT_THAT(RetryNow("4").status(), StatusIs(StatusCode::kNotFound, HasSubstr("no open activity 4")));
  EXPECT_THAT(RetryNow("", 4711).status(), StatusIs(StatusCode::kNotFound, HasSubstr("4711")));
  EXPECT_THAT(RetryNow("1", second).status(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("scheduled_event_id")));
  EXPECT_EQ(RetryNow("3").value().retried(), 0) << "it runs";
  EXPECT_TRUE(ClaimNow(engine_, 10).empty());
  EXPECT_EQ(RetryNow("1").value().retried(), 1);
  const auto again = ClaimOne(engine_);
  EXPECT_EQ(again.activity_id(), "1");
  EXPECT_EQ(again.attempt(), 2);
  EXPECT_EQ(RetryNow("", second).value().retried(), 1);
  EXPECT_TRUE(Fail(engine_, ClaimOne(engine_), "flaky").value());
  EXPECT_TRUE(Fail(engine_, again, "flaky").value());
  ASSERT_THAT(Pause(), IsOk());
  EXPECT_EQ(RetryNow().value().retried(), 2) << "they begin with the end of the pause";
  EXPECT_TRUE(ClaimNow(engine_, 10).empty());
  ASSERT_THAT(Unpause(), IsOk());
  EXPECT_EQ(ClaimNow(engine_, 10).size(), 2u);
}

TEST_F(ControlsTest, APriorityThatIsSetLaterMovesWhatWaits) {
  StartScript(engine_, "first", R"({"activity": "a"})");
  StartScript(engine_, "second", R"({"activity": "a"})");
  v1::SetWorkflowPriorityRequest request;
  request.set_workflow_id("second");
  request.set_priority(1001);
  EXPECT_THAT(engine_.SetPriority(request), StatusIs(StatusCode::kInvalidArgument, HasSubstr("-1000 to 1000")));
  request.set_priority(10);
  ASSERT_THAT(engine_.SetPriority(request), IsOk());
  ASSERT_THAT(engine_.SetPriority(request), IsOk());
  EXPECT_EQ(Described("second").info().priority(), 10);
  EXPECT_EQ(ClaimOne(engine_).workflow_id(), "second");
  request.set_workflow_id("first");
  ASSERT_THAT(engine_.SetPriority(request), IsOk());
  request.set_priority(0);
  ASSERT_THAT(engine_.SetPriority(request), IsOk()) << "and back";
  EXPECT_EQ(ClaimOne(engine_).workflow_id(), "first");
}

TEST_F(ControlsTest, APausedQueueGivesNothingAndWhatRunsEnds) {
  StartScript(engine_, "w", R"({"all": [{"activity": "a", "id": "1"}, {"activity": "a", "id": "2"}]})");
  const auto running = ClaimOne(engine_);
  v1::SetQueueSettingsRequest pause;
  pause.set_queue("test");
  pause.set_paused(true);
  EXPECT_TRUE(engine_.SetQueueSettings(pause).value().paused());
  EXPECT_TRUE(engine_.SetQueueSettings(pause).value().paused()) << "idempotent";
  EXPECT_TRUE(ClaimNow(engine_, 10).empty());
  EXPECT_TRUE(Eventually([&] { return Queue().settings().paused(); }));
  EXPECT_THAT(Complete(engine_, running), IsOk());
  v1::SetQueueSettingsRequest limits;
  limits.set_queue("test");
  limits.set_max_running(3);
  limits.set_max_starts_per_second(2.5);
  const auto set = engine_.SetQueueSettings(limits).value();
  EXPECT_TRUE(set.paused()) << "what is not given stays";
  EXPECT_EQ(engine_.GetQueueSettings("test").value().max_running(), 3);
  EXPECT_EQ(engine_.ListQueueSettings().value().queues_size(), 1);
  const auto usual = engine_.ResetQueueSettings("test").value();
  EXPECT_FALSE(usual.paused());
  EXPECT_EQ(usual.max_running(), 0);
  EXPECT_EQ(engine_.ListQueueSettings().value().queues_size(), 0) << "so that claims take the short way again";
  EXPECT_THAT(Complete(engine_, ClaimOne(engine_)), IsOk());
}

TEST_F(ControlsTest, SettingsOfATenantAreObeyed) {
  const auto start = [&](const std::string& id, const std::string& tenant) {
    v1::StartWorkflowRequest request;
    request.set_workflow_id(id);
    request.set_type("Script");
    request.set_tenant(tenant);
    request.set_input(R"({"steps": [{"all": [{"activity": "a", "id": "1"}, {"activity": "a", "id": "2"}]}]})");
    ASSERT_THAT(engine_.Start(request), IsOk());
  };
  start("a", "acme");
  start("b", "other");
  v1::SetTenantSettingsRequest pause;
  pause.set_tenant("acme");
  pause.set_paused(true);
  EXPECT_TRUE(engine_.SetTenantSettings(pause).value().paused());
  auto tasks = ClaimNow(engine_, 10);
  ASSERT_EQ(tasks.size(), 2u);
  for (const auto& task : tasks) EXPECT_EQ(task.tenant(), "other");
  EXPECT_TRUE(Eventually([&] { return Queue().held() == 2; }));
  EXPECT_TRUE(Eventually([&] { return Queue().ready() == 0; })) << "nothing to scale up for";
  v1::SetTenantSettingsRequest limit;
  limit.set_tenant("acme");
  limit.set_paused(false);
  limit.set_max_running(1);
  limit.set_weight(2);
  EXPECT_EQ(engine_.SetTenantSettings(limit).value().weight(), 2);
  EXPECT_EQ(ClaimNow(engine_, 10).size(), 1u);
  EXPECT_EQ(engine_.ListTenantSettings().value().tenants(0).max_running(), 1);
  v1::SetTenantSettingsRequest keep;
  keep.set_tenant("acme");
  keep.set_retention_days(0);
  EXPECT_EQ(engine_.SetTenantSettings(keep).value().weight(), 2) << "what is not given stays";
  EXPECT_TRUE(engine_.GetTenantSettings("acme").value().has_retention_days());
  keep.set_tenant("kept");
  keep.set_retention_days(365);
  ASSERT_THAT(engine_.SetTenantSettings(keep).status(), IsOk());
  EXPECT_EQ(engine_.ListTenantSettings().value().tenants(1).retention_days(), 365);
  keep.set_retention_days(-1);
  EXPECT_FALSE(engine_.SetTenantSettings(keep).value().has_retention_days());
  EXPECT_EQ(engine_.ListTenantSettings().value().tenants_size(), 1) << "as everybody's again";
  EXPECT_EQ(engine_.ResetTenantSettings("acme").value().weight(), 1);
  EXPECT_EQ(engine_.ListTenantSettings().value().tenants_size(), 0);
  EXPECT_EQ(engine_.GetTenantSettings("acme").value().max_running(), 0);
  EXPECT_EQ(ClaimNow(engine_, 10).size(), 1u);
}

TEST_F(ControlsTest, SettingsNameTheirLimits) {
  v1::SetQueueSettingsRequest queue;
  EXPECT_THAT(engine_.SetQueueSettings(queue).status(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("queue: must have 1 to 200")));
  queue.set_queue("q");
  queue.set_max_running(-1);
  EXPECT_THAT(engine_.SetQueueSettings(queue).status(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("max_running: must be 0")));
  queue.set_max_running(0);
  queue.set_max_starts_per_second(std::numeric_limits<double>::quiet_NaN());
  EXPECT_THAT(engine_.SetQueueSettings(queue).status(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("max_starts_per_second")));
  v1::SetTenantSettingsRequest tenant;
  tenant.set_tenant("t");
  tenant.set_retention_days(36'501);
  EXPECT_THAT(engine_.SetTenantSettings(tenant).status(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("retention_days: must be 0")));
  tenant.clear_retention_days();
  tenant.set_weight(0);
  EXPECT_THAT(engine_.SetTenantSettings(tenant).status(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("weight: must be 0.001")));
  EXPECT_THAT(engine_.GetTenantSettings(std::string(201, 'x')).status(), StatusIs(StatusCode::kInvalidArgument, HasSubstr("200")));
}

}  // namespace
}  // namespace vora::workflow
