// Many engines over one database, and a database that goes away.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "libs/pg/listener.h"
#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/testing/test_orchestrator.h"
#include "libs/workflow/worker/activity_worker.h"

namespace vora::workflow {
namespace {

using namespace testing;

std::string Parallel(int activities) {
  std::string steps;
  for (int i = 0; i < activities; ++i) {
    if (i > 0) steps += ',';
    steps +=
        R"({"activity": "a", "id": ")" + std::to_string(i) + R"(", "options": {"startToCloseTimeout": "120s", "heartbeatTimeout": "5s"}})";
  }
  return R"({"all": [)" + steps + "]}";
}

ActivityWorkerOptions Options(const std::string& orchestrator, int slots) {
  ActivityWorkerOptions options;
  options.orchestrator = orchestrator;
  options.queue = "test";
  options.slots = slots;
  return options;
}

// How often each activity of the run was completed, by its scheduled event.
std::map<int64_t, int> Completions(Engine& engine, const std::string& id) {
  std::map<int64_t, int> completions;
  for (const auto& event : History(engine, id)) {
    if (event.type() == v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) completions[event.event_id()];
    if (event.type() != v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED) continue;
    ++completions[nlohmann::json::parse(event.attributes()).at("scheduled_event_id").get<int64_t>()];
  }
  return completions;
}

TEST(EngineRaceTest, TwoEnginesCompleteTenThousandActivitiesExactlyOnce) {
  constexpr int kWorkflows = 100, kActivities = 100, kThreads = 3;
  const std::string database = pg::TestPostgres::Shared().NewDatabase();
  TestOrchestrator one(database), two(database);
  for (int i = 0; i < kWorkflows; ++i) StartScript(i % 2 ? one.engine() : two.engine(), "w" + std::to_string(i), Parallel(kActivities));
  std::atomic<int> executed{0}, refused{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2 * kThreads; ++i) {
    threads.emplace_back([&, i] {
      // Claimed at one replica, completed at the other.
      Engine& claims = i % 2 ? one.engine() : two.engine();
      Engine& completes = i % 2 ? two.engine() : one.engine();
      while (executed < kWorkflows * kActivities) {
        const auto tasks = ClaimNow(claims, 10);
        for (const auto& task : tasks) {
          ++executed;
          if (!Complete(completes, task).ok()) ++refused;
        }
        if (tasks.empty()) std::this_thread::yield();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(executed, kWorkflows * kActivities) << "no activity was given out twice";
  EXPECT_EQ(refused, 0);
  for (int i = 0; i < kWorkflows; ++i) {
    const std::string id = "w" + std::to_string(i);
    ASSERT_EQ(WaitClosed(one.engine(), id).status(), v1::WORKFLOW_STATUS_COMPLETED);
    const auto completions = Completions(two.engine(), id);
    ASSERT_EQ(completions.size(), static_cast<size_t>(kActivities));
    for (const auto& [event, times] : completions) ASSERT_EQ(times, 1) << id << " event " << event;
  }
}

TEST(EngineRaceTest, StartsOfOneIdGiveOneRun) {
  const std::string database = pg::TestPostgres::Shared().NewDatabase();
  TestOrchestrator one(database), two(database);
  std::mutex mutex;
  std::map<std::string, int> runs;
  std::atomic<int> started{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      v1::StartWorkflowRequest request;
      request.set_workflow_id("w");
      request.set_type("Script");
      request.set_input(R"({"steps": [{"activity": "a"}]})");
      const auto response = (i % 2 ? one : two).engine().Start(request);
      ASSERT_THAT(response, IsOk());
      if (response->started()) ++started;
      std::lock_guard lock(mutex);
      ++runs[response->run_id()];
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(started, 1);
  EXPECT_EQ(runs.size(), 1u);
}

TEST(RemotePollTest, ANotificationWakesTheOtherReplicasPoll) {
  const std::string database = pg::TestPostgres::Shared().NewDatabase();
  TestOrchestrator one(database), two(database);
  obs::Metrics metrics;
  ActivityWorker worker(Options(two.address(), 1), metrics);
  worker.Handle("a", [](ActivityExecution&) { return ActivityOutcome::Ok("{}"); });
  worker.Start();
  ASSERT_TRUE(Eventually([&] { return worker.Health().ok() || worker.running() == 0; }));
  for (int i = 0; i < 5; ++i) {
    StartScript(one.engine(), "w" + std::to_string(i), R"({"activity": "a"}, {"activity": "a"})");
    EXPECT_EQ(WaitClosed(one.engine(), "w" + std::to_string(i)).status(), v1::WORKFLOW_STATUS_COMPLETED);
  }
}

// Each NOTIFY is a commit, and PostgreSQL serialises those that notify.
TEST(WakeupsTest, NobodyIsToldWhileAReplicaIsAlone) {
  const std::string database = pg::TestPostgres::Shared().NewDatabase();
  std::mutex mutex;
  std::vector<std::string> heard;
  const auto heard_of = [&](const std::string& what) {
    const std::lock_guard lock(mutex);
    return std::count_if(heard.begin(), heard.end(), [&](const std::string& text) { return text.find(what) != std::string::npos; });
  };
  pg::Listener listener(database, {"vora_workflow"}, [&](const std::string&, const std::string& payload) {
    const std::lock_guard lock(mutex);
    heard.push_back(payload);
  });
  ASSERT_TRUE(Eventually([&] { return heard_of("") > 0; })) << "it listens";
  TestOrchestrator one(database);
  ASSERT_TRUE(Eventually([&] { return heard_of(" h:") > 0; }));
  StartScript(one.engine(), "alone", R"({"activity": "a"})");
  ASSERT_THAT(Complete(one.engine(), ClaimOne(one.engine())), IsOk());
  WaitClosed(one.engine(), "alone");
  TestOrchestrator two(database);
  ASSERT_TRUE(Eventually([&] { return heard_of(" h:") >= 3; })) << "they know each other";
  EXPECT_EQ(heard_of(" q:"), 0);
  StartScript(one.engine(), "together", R"({"activity": "a"})");
  EXPECT_TRUE(Eventually([&] { return heard_of(" q:test") > 0; }));
}

TEST(DatabaseRestartTest, NothingIsLostAndNoCompletedActivityRunsAgain) {
  auto& postgres = pg::TestPostgres::Shared();
  const std::string database = postgres.NewDatabase();
  auto passes = TestOrchestrator::QuickPasses();
  passes.lease_grace = std::chrono::seconds(5);
  TestOrchestrator orchestrator(database, TestOrchestrator::DefaultRegistry(), passes);
  Engine& engine = orchestrator.engine();
  constexpr int kWorkflows = 10, kActivities = 40;
  for (int i = 0; i < kWorkflows; ++i) StartScript(engine, "w" + std::to_string(i), Parallel(kActivities));

  obs::Metrics metrics;
  std::mutex mutex;
  std::map<std::string, int> executions;
  std::atomic<int> executed{0};
  ActivityWorker worker(Options(orchestrator.address(), 4), metrics);
  worker.Handle("a", [&](ActivityExecution& execution) {
    std::lock_guard lock(mutex);
    ++executions[execution.task().workflow_id() + "/" + execution.task().activity_id()];
    ++executed;
    return ActivityOutcome::Ok("{}");
  });
  worker.Start();
  ASSERT_TRUE(Eventually([&] { return executed > 40; }));
  postgres.Stop();
  postgres.Start();
  ASSERT_TRUE(Eventually([&] { return executed > 160; }));
  postgres.Kill();
  postgres.Start();
  for (int i = 0; i < kWorkflows; ++i) {
    const std::string id = "w" + std::to_string(i);
    ASSERT_EQ(WaitClosed(engine, id).status(), v1::WORKFLOW_STATUS_COMPLETED);
    for (const auto& [event, times] : Completions(engine, id)) ASSERT_EQ(times, 1) << id << " event " << event;
  }
  for (const auto& [activity, times] : executions) EXPECT_EQ(times, 1) << activity;
}

}  // namespace
}  // namespace vora::workflow
