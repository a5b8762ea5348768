// Runs whose code does not agree with their history: what comes in is kept, and nobody else suffers.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <nlohmann/json.hpp>
#include <pqxx/pqxx>

#include "libs/pg/testing/test_postgres.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/testing/script_workflow.h"
#include "libs/workflow/testing/test_orchestrator.h"

namespace vora::workflow {
namespace {

using namespace testing;
using ::testing::HasSubstr;

// The same type with other code, as after a careless deployment.
Task<WorkflowResult> OtherCode(WorkflowContext ctx, std::string) {
  v1::ActivityOptions options;
  options.set_queue("test");
  options.mutable_start_to_close_timeout()->set_seconds(10);
  (void)co_await ctx.Activity("different", "different", "", options);
  co_return WorkflowResult::Completed("");
}

// Agrees with its history only while it is whole.
std::atomic<bool> code_is_whole{true};
Task<WorkflowResult> SometimesBroken(WorkflowContext ctx, std::string) {
  const auto signal = co_await ctx.Signal("go");
  if (!code_is_whole) throw std::runtime_error("broken");
  co_return WorkflowResult::Completed(signal.result);
}

class ParkedTest : public ::testing::Test {
 protected:
  // Each as a program of another build.
  std::unique_ptr<TestOrchestrator> Right() { return Replica(ScriptRegistry(), "right"); }
  std::unique_ptr<TestOrchestrator> Wrong(const std::string& build = "wrong") {
    Registry other;
    other.Add("Script", &OtherCode);
    return Replica(std::move(other), build);
  }
  std::unique_ptr<TestOrchestrator> Replica(Registry registry, const std::string& build) {
    EngineOptions engine;
    engine.build_id = build;
    return std::make_unique<TestOrchestrator>(database_, std::move(registry), TestOrchestrator::QuickPasses(), rpc::Authorizer::Open(),
                                              engine);
  }
  static v1::WorkflowInfo Info(Engine& engine, const std::string& id) {
    v1::DescribeWorkflowRequest request;
    request.set_workflow_id(id);
    return engine.Describe(request).value().info();
  }
  static Status Signal(Engine& engine, const std::string& id, const std::string& input, const std::string& request_id = "") {
    v1::SignalWorkflowRequest request;
    request.set_workflow_id(id);
    request.set_name("go");
    request.set_input(input);
    request.set_request_id(request_id);
    return engine.Signal(request);
  }
  const std::string database_ = pg::TestPostgres::Shared().NewDatabase();
};

TEST_F(ParkedTest, WhatComesInIsKeptAndTakenInOrderByTheRightCode) {
  {
    auto right = Right();
    StartScript(right->engine(), "w", R"({"all": [{"activity": "a", "id": "1"}, {"activity": "a", "id": "2"}, {"timer_ms": 1}]},
                                         {"signal": "go"}, {"signal": "go"})");
    ASSERT_TRUE(Eventually([&] { return History(right->engine(), "w").size() == 5; })) << "the timer has fired";
  }
  {
    auto wrong = Wrong();
    Engine& engine = wrong->engine();
    const auto first = ClaimOne(engine);
    EXPECT_THAT(Complete(engine, first, "\"one\""), IsOk()) << "stored, though the code cannot take it";
    EXPECT_THAT(Complete(engine, first, "\"one\""), IsOk()) << "a repeated report is no error";
    EXPECT_THAT(Info(engine, "w").stuck_reason(), HasSubstr("nondeterminism"));
    EXPECT_EQ(Info(engine, "w").status(), v1::WORKFLOW_STATUS_RUNNING);
    // Work that is in history goes on, and holds no slot longer than it takes.
    EXPECT_THAT(Complete(engine, ClaimOne(engine), "\"two\""), IsOk());
    EXPECT_THAT(Signal(engine, "w", "3", "r1"), IsOk());
    EXPECT_THAT(Signal(engine, "w", "3", "r1"), IsOk());
    EXPECT_THAT(Signal(engine, "w", "4"), IsOk());
    EXPECT_TRUE(ClaimNow(engine, 10).empty());
    EXPECT_EQ(History(engine, "w").size(), 5u) << "history grows only with code that agrees";
  }
  auto right = Right();
  EXPECT_EQ(WaitClosed(right->engine(), "w").result(), R"(["\"one\"","\"two\"","3","4"])");
}

TEST_F(ParkedTest, ACancelIsKeptToo) {
  {
    auto right = Right();
    StartScript(right->engine(), "w", R"({"activity": "a"}, {"cleanup": {"activity": "c"}})");
  }
  {
    auto wrong = Wrong();
    EXPECT_TRUE(Fail(wrong->engine(), ClaimOne(wrong->engine()), "x").value()) << "retries need no code";
    v1::CancelWorkflowRequest request;
    request.set_workflow_id("w");
    EXPECT_THAT(wrong->engine().Cancel(request), IsOk());
    EXPECT_THAT(wrong->engine().Cancel(request), IsOk());
    EXPECT_TRUE(Info(wrong->engine(), "w").cancel_requested());
  }
  auto right = Right();
  v1::PollActivitiesRequest poll;
  poll.set_queue("test");
  poll.set_max_tasks(1);
  poll.add_activity_types("c");
  v1::ActivityTask cleanup;
  ASSERT_TRUE(Eventually([&] {
    const auto tasks = right->engine().Claim(poll).value();
    if (!tasks.empty()) cleanup = tasks[0];
    return !tasks.empty();
  }));
  EXPECT_THAT(Complete(right->engine(), cleanup), IsOk());
  EXPECT_EQ(WaitClosed(right->engine(), "w").status(), v1::WORKFLOW_STATUS_CANCELED);
}

TEST_F(ParkedTest, ATimerThatFiresIsKept) {
  {
    auto right = Right();
    StartScript(right->engine(), "w", R"({"all": [{"timer_ms": 100}, {"activity": "a"}]})");
  }
  {
    auto wrong = Wrong();
    ASSERT_TRUE(Eventually([&] { return !Info(wrong->engine(), "w").stuck_reason().empty(); }));
  }
  auto right = Right();
  ASSERT_THAT(Complete(right->engine(), ClaimOne(right->engine()), "1"), IsOk());
  EXPECT_EQ(WaitClosed(right->engine(), "w").result(), R"(["1"])");
}

TEST_F(ParkedTest, ARunIsTriedOncePerBuildAndAllGetTheirTurn) {
  constexpr int kRuns = 45;  // more than are tried in one go
  {
    auto right = Right();
    for (int i = 0; i < kRuns; ++i) StartScript(right->engine(), "w" + std::to_string(i), R"({"activity": "a"})");
  }
  {
    auto wrong = Wrong();
    for (int i = 0; i < kRuns; ++i) ASSERT_THAT(Complete(wrong->engine(), ClaimOne(wrong->engine())), IsOk());
    EXPECT_EQ(wrong->engine().RetryParked(1000).value(), 0) << "this build has tried them";
  }
  {
    auto worse = Wrong("worse");
    ASSERT_TRUE(Eventually([&] { return worse->engine().RetryParked(1000).value() == 0; }));
    EXPECT_FALSE(Info(worse->engine(), "w0").stuck_reason().empty());
  }
  auto right = Right();
  for (int i = 0; i < kRuns; ++i) EXPECT_EQ(WaitClosed(right->engine(), "w" + std::to_string(i)).status(), v1::WORKFLOW_STATUS_COMPLETED);
}

TEST_F(ParkedTest, AWorkerThatLeavesGivesUpAllItsTasks) {
  {
    auto right = Right();
    StartScript(right->engine(), "parked", R"({"all": [{"activity": "a", "id": "1"}, {"activity": "a", "id": "2"}]})");
    StartScript(right->engine(), "well", R"({"activity": "a"})");
  }
  auto wrong = Wrong();
  Engine& engine = wrong->engine();
  EXPECT_THAT(Complete(engine, ClaimOne(engine, "test", "leaver")), IsOk());
  EXPECT_EQ(ClaimOne(engine, "test", "leaver").workflow_id(), "parked");
  EXPECT_EQ(ClaimOne(engine, "test", "leaver").workflow_id(), "well");
  v1::ReportWorkerRequest leaving;
  leaving.set_worker_id("leaver");
  leaving.set_leaving(true);
  EXPECT_THAT(engine.ReportWorker(leaving), IsOk());
  EXPECT_EQ(ClaimNow(engine, 10).size(), 2u);
}

// A build from before the inbox takes a run out of its parking and leaves the inbox as it is.
TEST_F(ParkedTest, AnInboxThatAnOlderBuildLeftIsTakenUp) {
  {
    auto right = Right();
    StartScript(right->engine(), "w", R"({"activity": "a"})");
  }
  {
    auto wrong = Wrong();
    ASSERT_THAT(Complete(wrong->engine(), ClaimOne(wrong->engine()), "1"), IsOk());
  }
  {
    pqxx::connection connection(database_);
    pqxx::work tx(connection);
    tx.exec("UPDATE workflow_runs SET stuck_reason = ''");
    tx.commit();
  }
  auto right = Right();
  EXPECT_EQ(WaitClosed(right->engine(), "w").result(), R"(["1"])");
}

TEST_F(ParkedTest, ACheckBeforeAnUpgradeNamesRunsThatWouldPark) {
  obs::Metrics metrics;
  Registry other;
  other.Add("Script", &OtherCode);
  EXPECT_THAT(EngineHost::CheckReplay(database_, other, metrics), IsOk()) << "no schema yet, and so no runs";
  auto right = Right();
  StartScript(right->engine(), "w", R"({"activity": "a"})");
  StartScript(right->engine(), "closed", R"({"timer_ms": 1})");
  WaitClosed(right->engine(), "closed");
  EXPECT_THAT(EngineHost::CheckReplay(database_, ScriptRegistry(), metrics), IsOk());
  const Status refused = EngineHost::CheckReplay(database_, other, metrics);
  EXPECT_THAT(refused, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Message(refused), HasSubstr("1 of 1 open workflows would be parked"));
  EXPECT_TRUE(Info(right->engine(), "w").stuck_reason().empty()) << "nothing was changed";
}

// Once parked runs were replayed on the thread that looks at deadlines: with a dozen of a film's size a dead worker of a healthy video was
// noticed after a minute. Here a replay that never ends stands for any number of slow ones.
TEST_F(ParkedTest, AReplayThatHangsHoldsUpNeitherTimersNorTheSearchForDeadWorkers) {
  {
    auto right = Right();
    StartScript(right->engine(), "w", R"({"activity": "a"})");
  }
  {
    auto wrong = Wrong();
    ASSERT_THAT(Complete(wrong->engine(), ClaimOne(wrong->engine())), IsOk());
  }
  std::latch hanging(1), let_go(1);
  Registry registry = ScriptRegistry();
  registry.Add("Script", [&](WorkflowContext ctx, std::string input) {
    if (ctx.info().workflow_id == "w") {
      hanging.count_down();
      let_go.wait();
    }
    return Script(ctx, std::move(input));
  });
  auto replica = Replica(std::move(registry), "hangs");
  Engine& engine = replica->engine();
  hanging.wait();
  StartScript(engine, "timer", R"({"timer_ms": 50}, {"activity": "a", "options": {"heartbeatTimeout": "0.05s"}})");
  EXPECT_EQ(ClaimOne(engine).attempt(), 1);
  EXPECT_EQ(ClaimOne(engine).attempt(), 2) << "the silent worker's task is given to another";
  let_go.count_down();
  EXPECT_EQ(WaitClosed(engine, "w").status(), v1::WORKFLOW_STATUS_COMPLETED);
}

TEST_F(ParkedTest, IsTriedAgainWhenAnOperatorAsks) {
  Registry registry;
  registry.Add("Sometimes", &SometimesBroken);
  auto replica = Replica(std::move(registry), "same");
  Engine& engine = replica->engine();
  v1::StartWorkflowRequest start;
  start.set_workflow_id("w");
  start.set_type("Sometimes");
  ASSERT_THAT(engine.Start(start), IsOk());
  code_is_whole = false;
  ASSERT_THAT(Signal(engine, "w", "1"), IsOk());
  v1::RetryNowRequest request;
  request.set_workflow_id("w");
  const auto in_vain = engine.RetryNow(request);
  ASSERT_THAT(in_vain, IsOk());
  EXPECT_TRUE(in_vain->tried_parked());
  EXPECT_THAT(in_vain->stuck_reason(), HasSubstr("broken"));
  code_is_whole = true;
  const auto goes_on = engine.RetryNow(request);
  ASSERT_THAT(goes_on, IsOk());
  EXPECT_TRUE(goes_on->tried_parked());
  EXPECT_EQ(goes_on->stuck_reason(), "");
  EXPECT_EQ(WaitClosed(engine, "w").result(), "1");
}

}  // namespace
}  // namespace vora::workflow
