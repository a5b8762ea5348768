#include "libs/workflow/worker/activity_worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/definition/history.h"
#include "libs/workflow/testing/test_orchestrator.h"

namespace vora::workflow {
namespace {

using namespace testing;
using std::chrono::milliseconds;
using ::testing::HasSubstr;

class ActivityWorkerTest : public ::testing::Test {
 protected:
  std::unique_ptr<ActivityWorker> NewWorker(int slots = 2, const std::string& worker_id = "") {
    ActivityWorkerOptions options;
    options.worker_id = worker_id;
    options.orchestrator = orchestrator_.address();
    options.queue = "test";
    options.slots = slots;
    return std::make_unique<ActivityWorker>(options, metrics_);
  }
  v1::PendingActivity Pending(const std::string& id) {
    v1::DescribeWorkflowRequest request;
    request.set_workflow_id(id);
    const auto described = engine_.Describe(request);
    if (!described.ok() || described->pending_activities_size() == 0) return {};
    return described->pending_activities(0);
  }
  TestOrchestrator orchestrator_{pg::TestPostgres::Shared().NewDatabase()};
  Engine& engine_ = orchestrator_.engine();
  obs::Metrics metrics_;
};

TEST_F(ActivityWorkerTest, WorksOffAWorkflow) {
  auto worker = NewWorker();
  EXPECT_THAT(worker->Health(), ::testing::Not(IsOk()));
  worker->Handle("add",
                 [](ActivityExecution& execution) { return ActivityOutcome::Ok(std::to_string(std::stoi(execution.task().input()) + 1)); });
  worker->Start();
  StartScript(engine_, "w",
              R"({"activity": "add", "input": "1"}, {"all": [{"activity": "add", "input": "2"}, {"activity": "add", "input": "3"}]})");
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["2","3","4"])");
  EXPECT_THAT(worker->Health(), IsOk());
}

TEST_F(ActivityWorkerTest, FailuresAreReportedAndRetried) {
  auto worker = NewWorker();
  std::atomic<int> calls{0};
  worker->Handle("flaky", [&](ActivityExecution& execution) {
    ++calls;
    if (execution.task().attempt() == 1) return ActivityOutcome::FromStatus(Unavailable("store away"), "storage");
    if (execution.task().attempt() == 2) throw std::runtime_error("a bug");
    return ActivityOutcome::Failed("media.bad", "broken file", true, "stderr \xff tail");
  });
  worker->Start();
  StartScript(engine_, "w", R"({"activity": "flaky"})");
  const auto info = WaitClosed(engine_, "w");
  EXPECT_EQ(info.failure().code(), "media.bad");
  EXPECT_EQ(info.failure().details(), "stderr ? tail");
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(ActivityOutcome::FromStatus(NotFound("gone"), "storage").failure.code(), "storage.not_found");
  EXPECT_TRUE(ActivityOutcome::FromStatus(NotFound("gone"), "storage").failure.non_retryable());
}

TEST_F(ActivityWorkerTest, HeartbeatsKeepTheLeaseAndCarryProgress) {
  auto worker = NewWorker(1);
  std::latch finish(1);
  worker->Handle("long", [&](ActivityExecution& execution) {
    execution.Heartbeat(0.5, "{\"n\":1}");
    finish.wait();
    return ActivityOutcome::Ok("\"" + std::to_string(execution.task().attempt()) + "\"");
  });
  worker->Start();
  StartScript(engine_, "w", R"({"activity": "long", "options": {"heartbeatTimeout": "0.5s", "startToCloseTimeout": "60s"}})");
  ASSERT_TRUE(Eventually([&] { return Pending("w").progress() == 0.5; }));
  // A timer of more than twice the lease: without heartbeats the attempt would be over by then.
  StartScript(engine_, "timer", R"({"timer_ms": 1200})");
  WaitClosed(engine_, "timer");
  finish.count_down();
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["\"1\""])");
}

TEST_F(ActivityWorkerTest, ACancelledTaskIsToldAndEnds) {
  auto worker = NewWorker(1);
  worker->Handle("endless", [&](ActivityExecution& execution) {
    while (execution.stop_cause() != StopCause::kCancelRequested) std::this_thread::yield();
    return ActivityOutcome::Failed("stopped", "stopped");
  });
  worker->Start();
  StartScript(engine_, "w", R"({"activity": "endless", "options": {"heartbeatTimeout": "1s", "startToCloseTimeout": "60s"}},
                               {"cleanup": {"signal": "done"}})");
  ASSERT_TRUE(Eventually([&] { return worker->running() == 1; }));
  v1::CancelWorkflowRequest cancel;
  cancel.set_workflow_id("w");
  ASSERT_THAT(engine_.Cancel(cancel), IsOk());
  ASSERT_TRUE(Eventually([&] { return worker->running() == 0; }));
  const auto names = EventNames(History(engine_, "w"));
  EXPECT_EQ(std::count(names.begin(), names.end(), "ACTIVITY_TASK_CANCELED"), 1);
}

TEST_F(ActivityWorkerTest, DrainHandsBackWithTheCheckpoint) {
  auto worker = NewWorker(1);
  std::latch begun(1);
  worker->Handle("long", [&](ActivityExecution& execution) {
    execution.Heartbeat(0.3, "{\"n\":7}");
    begun.count_down();
    while (!execution.stopping()) std::this_thread::yield();
    return ActivityOutcome::Failed("stopped", "stopped");
  });
  worker->Start();
  StartScript(engine_, "w", R"({"activity": "long", "options": {"heartbeatTimeout": "10s", "startToCloseTimeout": "60s"}})");
  begun.wait();
  worker->Stop(milliseconds(5000));
  worker->Stop(milliseconds(5000));
  EXPECT_EQ(worker->running(), 0);
  const auto task = ClaimOne(engine_);
  EXPECT_EQ(task.attempt(), 1) << "the attempt is not counted";
  EXPECT_EQ(task.checkpoint(), "{\"n\":7}");
}

TEST_F(ActivityWorkerTest, APauseHandsBackWithTheCheckpointAndTheWorkerWorksOn) {
  auto worker = NewWorker(1);
  std::atomic<int> begun{0};
  std::atomic<bool> finish{false};
  worker->Handle("long", [&](ActivityExecution& execution) {
    execution.Heartbeat(0.3, "{\"n\":7}");
    ++begun;
    while (!execution.stopping() && !finish) std::this_thread::yield();
    if (finish) return ActivityOutcome::Ok(std::to_string(execution.task().attempt()) + " after " + execution.task().checkpoint());
    EXPECT_EQ(execution.stop_cause(), StopCause::kDraining);
    return ActivityOutcome::Failed("stopped", "stopped");
  });
  worker->Handle("short", [](ActivityExecution&) { return ActivityOutcome::Ok("{}"); });
  worker->Start();
  StartScript(engine_, "w", R"({"activity": "long", "options": {"heartbeatTimeout": "10s", "startToCloseTimeout": "60s"}})");
  ASSERT_TRUE(Eventually([&] { return begun == 1; }));
  v1::PauseWorkflowRequest pause;
  pause.set_workflow_id("w");
  ASSERT_THAT(engine_.Pause(pause), IsOk());
  ASSERT_TRUE(Eventually([&] { return Pending("w").state() == v1::PENDING_ACTIVITY_STATE_SCHEDULED; })) << "handed back";
  StartScript(engine_, "other", R"({"activity": "short"})");
  EXPECT_EQ(WaitClosed(engine_, "other").status(), v1::WORKFLOW_STATUS_COMPLETED) << "the slot is free for others";
  EXPECT_EQ(begun, 1);
  finish = true;
  v1::UnpauseWorkflowRequest unpause;
  unpause.set_workflow_id("w");
  ASSERT_THAT(engine_.Unpause(unpause), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["1 after {\"n\":7}"])") << "the attempt is not counted";
}

TEST_F(ActivityWorkerTest, AnIdleWorkerEndsWhatASlowOneHolds) {
  auto slow = NewWorker(1, "a/1"), idle = NewWorker(1, "b/1");
  std::atomic<int> begun{0}, stopped{0};
  const auto quick = [](ActivityExecution&) { return ActivityOutcome::Ok("quick"); };
  slow->Handle("quick", quick);
  slow->Handle("work", [&](ActivityExecution& execution) {
    ++begun;
    // It would take some more seconds.
    while (!execution.stopping()) {
      execution.Heartbeat(0.1, "");
      std::this_thread::yield();
    }
    ++stopped;
    return ActivityOutcome::Failed("stopped", "stopped");
  });
  idle->Handle("work", quick);
  slow->Start();
  const std::string options =
      R"("options": {"estimatedCost": 1, "heartbeatTimeout": "10s", "startToCloseTimeout": "60s", "secondAttempt": true})";
  for (const char* id : {"a", "b", "c"}) StartScript(engine_, id, R"({"activity": "quick", )" + options + "}");
  for (const char* id : {"a", "b", "c"}) WaitClosed(engine_, id);
  StartScript(engine_, "w", R"({"activity": "work", )" + options + "}");
  ASSERT_TRUE(Eventually([&] { return begun == 1; }));
  idle->Start();
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["quick"])");
  EXPECT_TRUE(Eventually([&] { return stopped == 1 && slow->running() == 0; })) << "the slow one is told";
  EXPECT_EQ(begun, 1);
}

TEST_F(ActivityWorkerTest, AWorkerThatLosesItsLeaseIsTold) {
  auto worker = NewWorker(1);
  std::atomic<bool> lost{false};
  worker->Handle("long", [&](ActivityExecution& execution) {
    while (!execution.stopping()) std::this_thread::yield();
    lost = execution.stop_cause() == StopCause::kLeaseLost;
    return ActivityOutcome::Ok("{}");
  });
  worker->Start();
  StartScript(engine_, "w", R"({"activity": "long", "options": {"heartbeatTimeout": "1s", "startToCloseTimeout": "60s"}})");
  ASSERT_TRUE(Eventually([&] { return worker->running() == 1; }));
  v1::TerminateWorkflowRequest terminate;
  terminate.set_workflow_id("w");
  ASSERT_THAT(engine_.Terminate(terminate), IsOk());
  ASSERT_TRUE(Eventually([&] { return worker->running() == 0; }));
  EXPECT_TRUE(lost);
}

TEST_F(ActivityWorkerTest, ClaimsNothingWhileItCouldOnlyFail) {
  std::atomic<int> asked{0};
  std::atomic<bool> may = false;
  ActivityWorkerOptions options;
  options.orchestrator = orchestrator_.address();
  options.queue = "test";
  options.may_claim = [&] {
    ++asked;
    return may.load();
  };
  ActivityWorker worker(options, metrics_);
  worker.Handle("a", [](ActivityExecution& execution) { return ActivityOutcome::Ok(std::to_string(execution.task().attempt())); });
  StartScript(engine_, "w", R"({"activity": "a"})");
  worker.Start();
  ASSERT_TRUE(Eventually([&] { return asked >= 2; }));
  EXPECT_EQ(Pending("w").state(), v1::PENDING_ACTIVITY_STATE_SCHEDULED);
  EXPECT_TRUE(Eventually([&] { return worker.Health().ok(); })) << "the orchestrator is there: it is told how the worker is";
  may = true;
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["1"])");
}

// Three items: one succeeds, one fails the first time, one is dropped without a word the first time.
TEST_F(ActivityWorkerTest, ItemsOfAGroupEndEachOnItsOwn) {
  auto worker = NewWorker();
  std::mutex mutex;
  std::vector<std::string> groups;
  worker->HandleGroup("encode", [&](std::vector<std::shared_ptr<ActivityExecution>> group) {
    std::string ids;
    for (auto& execution : group) ids += execution->task().activity_id() + execution->task().checkpoint() + " ";
    {
      std::lock_guard lock(mutex);
      groups.push_back(ids);
    }
    for (auto& execution : group) {
      const auto& task = execution->task();
      execution->Heartbeat(0.5, "@" + task.items(0).name());
      if (task.activity_id() == "360p/chunk/0" || task.attempt() > 1) {
        execution->Complete(std::to_string(task.attempt()));
      } else if (task.activity_id() == "720p/chunk/0") {
        execution->Fail(MakeFailure("broken", "for once"));
      }
    }
  });
  StartScript(engine_, "w", R"({"group": "encode", "id": "chunk/0", "options": {"retry": {"initialInterval": "0.001s"},
      "items": [{"name": "360p"}, {"name": "720p"}, {"name": "1080p"}]}})");
  worker->Start();
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["360p=1","720p=2","1080p=2"])");
  EXPECT_THAT(groups, ::testing::ElementsAre("360p/chunk/0 720p/chunk/0 1080p/chunk/0 ", "720p/chunk/0@720p 1080p/chunk/0@1080p "));
}

TEST_F(ActivityWorkerTest, AnItemThatIsDoneIsToldWhileTheOthersGoOn) {
  auto worker = NewWorker(1);
  std::atomic<bool> go_on{false};
  worker->HandleGroup("encode", [&](std::vector<std::shared_ptr<ActivityExecution>> group) {
    group[1]->Complete("early");
    while (!go_on) std::this_thread::sleep_for(milliseconds(5));
    group[0]->Complete("late");
  });
  StartScript(engine_, "w", R"({"group": "encode", "id": "c", "options": {"items": [{"name": "a"}, {"name": "b"}]}})");
  worker->Start();
  EXPECT_TRUE(Eventually([&] { return EventNames(History(engine_, "w")).back() == "ACTIVITY_TASK_ITEMS_ENDED"; }));
  go_on = true;
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["b=early","a=late"])");
}

// What is done is done, the rest is handed back with its checkpoint, and no attempt is counted.
TEST_F(ActivityWorkerTest, ADrainHandsBackTheItemsThatAreNotDone) {
  auto worker = NewWorker(1);
  std::atomic<bool> begun{false};
  worker->HandleGroup("encode", [&](std::vector<std::shared_ptr<ActivityExecution>> group) {
    group[0]->Complete("early");
    begun = true;
    while (!group[1]->stopping()) std::this_thread::sleep_for(milliseconds(5));
    group[1]->Release("half");
  });
  StartScript(engine_, "w", R"({"group": "encode", "id": "c", "options": {"items": [{"name": "a"}, {"name": "b"}]}})");
  worker->Start();
  ASSERT_TRUE(Eventually([&] { return begun.load(); }));
  worker->Stop(milliseconds(5000));
  const auto rest = ClaimOne(engine_);
  ASSERT_EQ(rest.items_size(), 1);
  EXPECT_EQ(rest.items(0).name(), "b");
  EXPECT_EQ(rest.items(0).attempt(), 1);
  EXPECT_THAT(rest.checkpoint(), HasSubstr(R"("b":"half")"));
}

TEST_F(ActivityWorkerTest, ACanceledGroupStops) {
  auto worker = NewWorker(1);
  std::atomic<bool> begun{false};
  worker->HandleGroup("encode", [&](std::vector<std::shared_ptr<ActivityExecution>> group) {
    begun = true;
    for (auto& execution : group) {
      while (!execution->stopping()) std::this_thread::sleep_for(milliseconds(5));
      execution->Cancel();
    }
  });
  worker->Start();
  StartScript(engine_, "w", R"({"group": "encode", "id": "c", "options": {"items": [{"name": "a"}, {"name": "b"}]}})");
  ASSERT_TRUE(Eventually([&] { return begun.load(); }));
  v1::CancelWorkflowRequest cancel;
  cancel.set_workflow_id("w");
  ASSERT_THAT(engine_.Cancel(cancel), IsOk());
  EXPECT_EQ(WaitClosed(engine_, "w").status(), v1::WORKFLOW_STATUS_CANCELED);
  EXPECT_TRUE(Eventually([&] { return worker->running() == 0; }));
}

TEST_F(ActivityWorkerTest, ATaskThatIsDroppedIsRetried) {
  auto worker = NewWorker(1);
  worker->HandleGroup("drop", [](std::vector<std::shared_ptr<ActivityExecution>> group) {
    if (group[0]->task().attempt() > 1) group[0]->Complete("\"second\"");
  });
  worker->Start();
  StartScript(engine_, "w", R"({"activity": "drop"})");
  EXPECT_EQ(WaitClosed(engine_, "w").result(), R"(["\"second\""])");
}

TEST_F(ActivityWorkerTest, AResultThatIsTooLargeFailsForGood) {
  auto worker = NewWorker(1);
  worker->Handle("big", [](ActivityExecution& execution) {
    std::string big;
    big.resize(std::stoul(execution.task().input()), 'x');
    return ActivityOutcome::Ok(big);
  });
  worker->Start();
  for (const std::string bytes : {"1048577", "6000000"}) {
    StartScript(engine_, bytes, R"({"activity": "big", "input": ")" + bytes + R"("})");
    const auto info = WaitClosed(engine_, bytes);
    EXPECT_EQ(info.failure().code(), "worker.invalid_result");
    EXPECT_THAT(info.failure().message(), HasSubstr("result:"));
  }
}

TEST_F(ActivityWorkerTest, AResultThatIsNoTextFailsForGoodAndHarmsNoOther) {
  auto worker = NewWorker(2);
  worker->Handle("bad", [](ActivityExecution&) { return ActivityOutcome::Ok("\xff"); });
  worker->Handle("good", [](ActivityExecution&) { return ActivityOutcome::Ok("{}"); });
  worker->Start();
  StartScript(engine_, "bad", R"({"activity": "bad"})");
  StartScript(engine_, "good", R"({"activity": "good"}, {"activity": "good"})");
  EXPECT_EQ(WaitClosed(engine_, "bad").failure().code(), "worker.invalid_result");
  EXPECT_EQ(WaitClosed(engine_, "good").status(), v1::WORKFLOW_STATUS_COMPLETED);
}

TEST_F(ActivityWorkerTest, LargeResultsAtTheSameTimeDoNotGetInEachOthersWay) {
  auto worker = NewWorker(8);
  // Of the result of the workflow a MiB is too much as well.
  worker->Handle("big", [](ActivityExecution&) { return ActivityOutcome::Ok(std::string(500'000, 'x')); });
  worker->Start();
  for (int i = 0; i < 8; ++i) StartScript(engine_, std::to_string(i), R"({"activity": "big"}, {"activity": "big"})");
  for (int i = 0; i < 8; ++i) EXPECT_GT(WaitClosed(engine_, std::to_string(i)).result().size(), 1'000'000u);
}

TEST_F(ActivityWorkerTest, WhatIsReportedWhileTheReplicaGoesIsReportedToTheNext) {
  constexpr int kRuns = 8, kSteps = 60;
  const std::string database = pg::TestPostgres::Shared().NewDatabase();
  auto first = std::make_unique<TestOrchestrator>(database);
  const std::string address = first->address();
  ActivityWorkerOptions options;
  options.orchestrator = address;
  options.queue = "test";
  options.slots = kRuns;
  ActivityWorker worker(options, metrics_);
  worker.Handle("count", [](ActivityExecution&) { return ActivityOutcome::Ok("{}"); });
  worker.Start();
  std::string steps = R"({"activity": "count"})";
  for (int i = 1; i < kSteps; ++i) steps += R"(, {"activity": "count"})";
  for (int i = 0; i < kRuns; ++i) StartScript(first->engine(), std::to_string(i), steps);
  ASSERT_TRUE(Eventually([&] { return History(first->engine(), "0").size() > kSteps; }));
  first.reset();
  TestOrchestrator second(database, TestOrchestrator::DefaultRegistry(), TestOrchestrator::QuickPasses(), rpc::Authorizer::Open(), {},
                          address);
  for (int i = 0; i < kRuns; ++i) {
    EXPECT_EQ(WaitClosed(second.engine(), std::to_string(i)).status(), v1::WORKFLOW_STATUS_COMPLETED);
    const auto names = EventNames(History(second.engine(), std::to_string(i)));
    EXPECT_EQ(std::count(names.begin(), names.end(), "ACTIVITY_TASK_COMPLETED"), kSteps);
  }
}

}  // namespace
}  // namespace vora::workflow
