// What a watcher of WatchProgress is told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>
#include <thread>

#include "libs/pg/testing/test_postgres.h"
#include "libs/rpc/client.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/definition/window.h"
#include "libs/workflow/testing/script_workflow.h"
#include "libs/workflow/testing/test_orchestrator.h"
#include "vora/workflow/v1/workflow.grpc.pb.h"

namespace vora::workflow {
namespace {

using namespace testing;

class Watcher {
 public:
  explicit Watcher(const TestOrchestrator& orchestrator, const std::string& id_prefix = "", const std::string& type_prefix = "")
      : stub_(v1::WorkflowService::NewStub(rpc::Connect(orchestrator.address()))) {
    v1::WatchProgressRequest request;
    request.set_workflow_id_prefix(id_prefix);
    request.set_activity_type_prefix(type_prefix);
    reader_ = stub_->WatchProgress(&context_, request);
    thread_ = std::thread([this] { Read(); });
  }
  ~Watcher() {
    context_.TryCancel();
    thread_.join();
  }
  bool CaughtUp() {
    return Eventually([this] {
      const std::lock_guard lock(mutex_);
      return caught_up_;
    });
  }
  // Waits until what was told last of the workflow is like this.
  bool Sees(const std::string& id, const std::function<bool(const v1::RunProgress&)>& like) {
    const bool seen = Eventually([&] {
      const std::lock_guard lock(mutex_);
      return runs_.contains(id) && like(runs_[id]);
    });
    EXPECT_TRUE(seen) << id << ": " << Of(id).ShortDebugString();
    return seen;
  }
  bool SeesStatus(const std::string& id, v1::WorkflowStatus status) {
    return Sees(id, [&](const auto& run) { return run.status() == status; });
  }
  bool SeesRunning(const std::string& id, int running) {
    return Sees(id, [&](const auto& run) {
      int sum = 0;
      for (const auto& one : run.activities()) sum += one.running();
      return sum == running;
    });
  }
  v1::RunProgress Of(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return runs_[id];
  }
  int TimesTold(const std::string& id) {
    const std::lock_guard lock(mutex_);
    return times_[id];
  }
  size_t LargestMessage() {
    const std::lock_guard lock(mutex_);
    return largest_;
  }

 private:
  void Read() {
    v1::WatchProgressResponse response;
    while (reader_->Read(&response)) {
      const std::lock_guard lock(mutex_);
      for (const auto& run : response.runs()) {
        runs_[run.workflow_id()] = run;
        ++times_[run.workflow_id()];
      }
      caught_up_ = caught_up_ || response.caught_up();
      largest_ = std::max(largest_, response.ByteSizeLong());
    }
  }
  std::unique_ptr<v1::WorkflowService::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReader<v1::WatchProgressResponse>> reader_;
  std::mutex mutex_;
  std::map<std::string, v1::RunProgress> runs_;  // by workflow, here and below
  std::map<std::string, int> times_;
  bool caught_up_ = false;
  size_t largest_ = 0;
  std::thread thread_;
};

void Report(Engine& engine, const std::vector<v1::ActivityTask>& tasks, double progress) {
  v1::RenewWorkerRequest request;
  request.set_worker_id("tester");
  request.set_queue("test");
  for (const auto& task : tasks) {
    auto* held = request.add_tasks();
    held->set_task_token(task.task_token());
    held->set_progress(progress);
    for (const auto& item : task.items()) {
      auto* one = held->add_items();
      one->set_name(item.name());
      one->set_progress(progress);
    }
  }
  ASSERT_THAT(engine.RenewWorkers({request}, {}), IsOk());
}

void Terminate(Engine& engine, const std::string& id) {
  v1::TerminateWorkflowRequest request;
  request.set_workflow_id(id);
  ASSERT_THAT(engine.Terminate(request), IsOk());
}

class ProgressStreamTest : public ::testing::Test {
 protected:
  const std::string database_ = pg::TestPostgres::Shared().NewDatabase();
  TestOrchestrator orchestrator_{database_};
  Engine& engine_ = orchestrator_.engine();
};

TEST_F(ProgressStreamTest, SumsOfGroupsAndOfSingleActivities) {
  Watcher watcher(orchestrator_);
  ASSERT_TRUE(watcher.CaughtUp()) << "though there is nothing";
  StartScript(engine_, "w", R"({"all": [
    {"activity": "audio", "id": "audio_0", "options": {"progressWeight": 8, "heartbeatTimeout": "30s"}},
    {"group": "encode", "id": "chunk/0", "options": {"progressWeight": 2, "heartbeatTimeout": "30s",
      "retry": {"initialInterval": "3600s"}, "items": [{"name": "360p"}, {"name": "720p"}]}}]})");
  const std::vector<v1::ActivityTask> tasks = {ClaimOne(engine_), ClaimOne(engine_)};
  Report(engine_, tasks, 0.25);
  ASSERT_TRUE(watcher.Sees("w", [](const auto& run) { return run.activities_size() == 3 && run.activities(0).progress() == 2; }));
  const auto told = watcher.Of("w");
  EXPECT_EQ(told.activities(0).name(), "audio_0");
  EXPECT_EQ(told.activities(0).running(), 1);
  EXPECT_EQ(told.activities(2).name(), "720p");
  EXPECT_EQ(told.activities(2).progress(), 0.5);

  const auto& group = tasks[0].items().empty() ? tasks[1] : tasks[0];
  v1::CompleteActivityRequest ends;
  ends.set_task_token(group.task_token());
  ends.add_items()->set_name("360p");
  ends.mutable_items(0)->set_result("done");
  ends.add_items()->set_name("720p");
  ends.mutable_items(1)->mutable_failure()->set_code("worker.child_crashed");
  ends.mutable_items(1)->mutable_failure()->set_message("the encoder was killed");
  ASSERT_THAT(engine_.Complete(ends), IsOk());
  ASSERT_TRUE(watcher.Sees("w", [](const auto& run) { return run.activities_size() == 2; }));
  const auto waiting = watcher.Of("w").activities(1);
  EXPECT_EQ(waiting.name(), "720p");
  EXPECT_EQ(waiting.running(), 0);
  EXPECT_EQ(waiting.failed(), 1);
  EXPECT_EQ(waiting.failure(), "the encoder was killed");
  ASSERT_EQ(waiting.retried_size(), 1);
  EXPECT_EQ(waiting.retried(0).activity_id(), "720p/chunk/0");
  EXPECT_EQ(waiting.retried(0).attempt(), 2);

  Terminate(engine_, "w");
  ASSERT_TRUE(watcher.SeesStatus("w", v1::WORKFLOW_STATUS_TERMINATED));
  EXPECT_EQ(watcher.Of("w").activities_size(), 0);
}

TEST_F(ProgressStreamTest, WhatHasNotChangedIsNotToldAgain) {
  Watcher watcher(orchestrator_);
  StartScript(engine_, "still", R"({"activity": "a", "options": {"heartbeatTimeout": "30s"}})");
  const auto still = ClaimOne(engine_);
  ASSERT_TRUE(watcher.SeesRunning("still", 1));
  // Each of these is told by a look of its own.
  for (const char* id : {"one", "two", "three"}) {
    StartScript(engine_, id, R"({"activity": "a"})");
    const auto task = ClaimOne(engine_);
    ASSERT_TRUE(watcher.SeesRunning(id, 1));
    ASSERT_THAT(Complete(engine_, task), IsOk());
    ASSERT_TRUE(watcher.SeesStatus(id, v1::WORKFLOW_STATUS_COMPLETED));
  }
  EXPECT_EQ(watcher.TimesTold("still"), 1);
  Watcher late(orchestrator_);
  ASSERT_TRUE(late.CaughtUp());
  EXPECT_EQ(late.Of("still").activities_size(), 1) << "who comes later is told all that is under way";
  ASSERT_THAT(Complete(engine_, still), IsOk());
  EXPECT_TRUE(watcher.SeesStatus("still", v1::WORKFLOW_STATUS_COMPLETED));
  EXPECT_TRUE(late.SeesStatus("still", v1::WORKFLOW_STATUS_COMPLETED));
}

TEST_F(ProgressStreamTest, ARunOfWhichNothingIsUnderWayAnyMoreIsToldOf) {
  Watcher watcher(orchestrator_);
  StartScript(engine_, "w", R"({"activity": "a"}, {"signal": "go"})");
  const auto task = ClaimOne(engine_);
  ASSERT_TRUE(watcher.SeesRunning("w", 1));
  ASSERT_THAT(Complete(engine_, task), IsOk());
  ASSERT_TRUE(watcher.SeesRunning("w", 0));
  EXPECT_EQ(watcher.Of("w").status(), v1::WORKFLOW_STATUS_RUNNING);
  v1::SignalWorkflowRequest signal;
  signal.set_workflow_id("w");
  signal.set_name("go");
  ASSERT_THAT(engine_.Signal(signal), IsOk());
  EXPECT_TRUE(watcher.SeesStatus("w", v1::WORKFLOW_STATUS_COMPLETED));
}

TEST_F(ProgressStreamTest, ClosesAreToldWithTheirReasons) {
  TestOrchestrator other(database_);
  Watcher watcher(orchestrator_);
  ASSERT_TRUE(watcher.CaughtUp());
  StartScript(engine_, "waits", R"({"activity": "a"})");
  Terminate(engine_, "waits");
  EXPECT_TRUE(watcher.SeesStatus("waits", v1::WORKFLOW_STATUS_TERMINATED)) << "nobody ever worked on it";

  StartScript(engine_, "elsewhere", R"({"activity": "a"})");
  (void)ClaimOne(engine_);
  ASSERT_TRUE(watcher.SeesRunning("elsewhere", 1));
  Terminate(other.engine(), "elsewhere");
  EXPECT_TRUE(watcher.SeesStatus("elsewhere", v1::WORKFLOW_STATUS_TERMINATED)) << "closed by another replica";

  StartScript(engine_, "fails", R"({"activity": "a"})");
  ASSERT_THAT(Fail(engine_, ClaimOne(engine_), "media.broken", true), IsOk());
  ASSERT_TRUE(watcher.SeesStatus("fails", v1::WORKFLOW_STATUS_FAILED));
  EXPECT_EQ(watcher.Of("fails").failure().code(), "media.broken");
  EXPECT_EQ(watcher.Of("fails").failure().message(), "failed by the test");
}

TEST_F(ProgressStreamTest, WorkThatBeginsAtAnotherReplicaIsSeen) {
  TestOrchestrator other(database_);
  Watcher watcher(orchestrator_);
  ASSERT_TRUE(watcher.CaughtUp());
  StartScript(other.engine(), "w", R"({"activity": "a"})");
  (void)ClaimOne(other.engine());
  EXPECT_TRUE(watcher.SeesRunning("w", 1));
}

TEST_F(ProgressStreamTest, OnlyWhatIsWantedIsTold) {
  Watcher watcher(orchestrator_, "video/", "media.");
  StartScript(engine_, "other", R"({"activity": "media.a"})");
  StartScript(engine_, "video/1", R"({"all": [{"activity": "metadata.b", "id": "b"}, {"activity": "media.c", "id": "c"}]})");
  for (int i = 0; i < 3; ++i) (void)ClaimOne(engine_);
  ASSERT_TRUE(watcher.SeesRunning("video/1", 1));
  EXPECT_EQ(watcher.Of("video/1").activities(0).activity_type(), "media.c");
  Terminate(engine_, "other");
  Terminate(engine_, "video/1");
  ASSERT_TRUE(watcher.SeesStatus("video/1", v1::WORKFLOW_STATUS_TERMINATED));
  EXPECT_EQ(watcher.TimesTold("other"), 0);
}

constexpr size_t kChunks = 10'000, kWindow = 64;

Task<void> EncodeOne(WorkflowContext ctx, size_t chunk) {
  v1::ActivityOptions options;
  options.set_queue("test");
  options.mutable_heartbeat_timeout()->set_seconds(30);
  options.mutable_start_to_close_timeout()->set_seconds(600);
  for (const char* name : {"1080p", "720p", "480p", "360p"}) options.add_items()->set_name(name);
  const Group group = ctx.Group("media.EncodeGroup", "chunk/" + std::to_string(chunk), "{}", options);
  while (!group.done()) {
    auto ended = co_await group.Next();
    (void)ended;
  }
}

Task<WorkflowResult> FilmOfChunks(WorkflowContext ctx, std::string) {
  const auto encode = [ctx](size_t chunk) { return EncodeOne(ctx, chunk); };
  auto all = InWindow(kChunks, kWindow, encode);
  co_await all;
  co_return WorkflowResult::Completed("{}");
}

TEST(ProgressOfAFilmTest, AFilmOfTenThousandChunksIsAFewHundredBytes) {
  Registry registry;
  registry.Add("Film", &FilmOfChunks);
  TestOrchestrator orchestrator(pg::TestPostgres::Shared().NewDatabase(), std::move(registry));
  Engine& engine = orchestrator.engine();
  Watcher watcher(orchestrator);
  v1::StartWorkflowRequest start;
  start.set_workflow_id("film");
  start.set_type("Film");
  ASSERT_THAT(engine.Start(start), IsOk());
  size_t described = 0;
  for (int round = 0; round < 3; ++round) {
    const auto tasks = ClaimNow(engine, static_cast<int>(kWindow));
    ASSERT_EQ(tasks.size(), kWindow);
    for (const double progress : {0.25, 0.5}) {
      Report(engine, tasks, progress);
      ASSERT_TRUE(watcher.Sees("film", [&](const auto& run) {
        return run.activities_size() == 4 && run.activities(0).progress() == progress * static_cast<double>(kWindow);
      }));
    }
    v1::DescribeWorkflowRequest describe;
    describe.set_workflow_id("film");
    described = engine.Describe(describe)->ByteSizeLong();
    for (const auto& task : tasks) {
      v1::CompleteActivityRequest complete;
      complete.set_task_token(task.task_token());
      for (const auto& item : task.items()) {
        auto* one = complete.add_items();
        one->set_name(item.name());
        one->set_result("{}");
      }
      ASSERT_THAT(engine.Complete(complete), IsOk());
    }
  }
  EXPECT_LT(watcher.LargestMessage(), 500u);
  EXPECT_GT(described, 20'000u) << "what a look at each activity would be";
  RecordProperty("message_bytes", static_cast<int>(watcher.LargestMessage()));
  RecordProperty("describe_bytes", static_cast<int>(described));
}

}  // namespace
}  // namespace vora::workflow
