#include "libs/workflow/core/run_unit.h"

#include <gtest/gtest.h>

#include "libs/workflow/core/run_ops.h"
#include "libs/workflow/core/testing/simulated_store.h"

namespace vora::workflow {
namespace {

v1::ActivityOptions UnitOptions() {
  v1::ActivityOptions options;
  options.set_queue("q");
  options.mutable_start_to_close_timeout()->set_seconds(10);
  return options;
}

Task<ActivityResult> AfterTimer(WorkflowContext ctx, std::string name) {
  ActivityResult result;
  result.ok = co_await ctx.Timer(std::chrono::milliseconds(100), name);
  co_return result;
}

// The first of an activity and a timer, then a signal.
Task<WorkflowResult> RaceWithTimer(WorkflowContext ctx, std::string) {
  {
    std::vector<Task<ActivityResult>> both;
    both.push_back(ctx.Activity("work", "a", "", UnitOptions()));
    both.push_back(AfterTimer(ctx, "t"));
    (void)co_await WhenAny(both);
  }
  const auto signal = co_await ctx.Signal("go");
  co_return WorkflowResult::Completed(signal.result);
}

// Two activities; the first to end is enough.
Task<WorkflowResult> FirstOfTwo(WorkflowContext ctx, std::string) {
  std::vector<Task<ActivityResult>> both;
  both.push_back(ctx.Activity("work", "a", "", UnitOptions()));
  both.push_back(ctx.Activity("work", "b", "", UnitOptions()));
  const size_t first = co_await WhenAny(both);
  co_return WorkflowResult::Completed(both[first].Take().result);
}

// Takes signals until one says that it is the last; `wrong` is more than the code can bear, unless it comes first.
Task<WorkflowResult> UntilLastSignal(WorkflowContext ctx, std::string) {
  std::string all;
  while (true) {
    const auto signal = co_await ctx.Signal("s");
    if (signal.result == "wrong" && !all.empty()) throw std::runtime_error("wrong");
    all += signal.result;
    if (signal.result == "last") co_return WorkflowResult::Completed(all);
  }
}

Registry UnitDefinitions() {
  Registry registry;
  registry.Add("Race", &RaceWithTimer);
  registry.Add("Either", &FirstOfTwo);
  registry.Add("Signals", &UntilLastSignal);
  return registry;
}

class RunUnitTest : public ::testing::Test {
 protected:
  // One transaction by the program of `registry`; its changes are applied, and the run's row is given.
  RunRow Transact(const Registry& registry, const std::function<void(RunUnit&)>& apply) {
    ReplayCache cache(0);
    UnitContext context{registry, cache, "build"};
    RunUnit unit(context, store_, *store_.Lock("r"), false);
    apply(unit);
    Changes changes;
    unit.Finish(changes);
    EXPECT_EQ(store_.Apply(changes), "");
    return store_.Find("r")->row;
  }

  void Start(const std::string& type) {
    ReplayCache cache(0);
    UnitContext context{registry_, cache, "build"};
    RunRow run;
    run.run_id = "r";
    run.workflow_id = "w";
    run.type = type;
    run.now_us = store_.now_us;
    RunUnit unit(context, store_, run, true);
    unit.Accept({0, v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, 0, {{"input", ""}}});
    Changes changes;
    unit.Finish(changes);
    ASSERT_EQ(store_.Apply(changes), "");
  }

  std::vector<std::string> History() {
    std::vector<std::string> names;
    for (const auto& event : store_.Find("r")->events) names.push_back(EventTypeName(event.type));
    return names;
  }

  simulation::SimulatedStore store_{simulation::PlantedFault::kNone};
  const Registry registry_ = UnitDefinitions();
  Registry unknowing_;  // parks what it is given
};

TEST_F(RunUnitTest, ATimerThatFiredBehindWhatCancelsItIsForgotten) {
  Start("Race");
  const auto claimed = store_.Claim("worker", 1, 7);
  ASSERT_EQ(claimed.size(), 1u);
  Transact(unknowing_, [&](RunUnit& unit) { EXPECT_TRUE(CompleteTask(unit, TaskToken::Of(claimed[0]), "done").ok()); });
  Transact(unknowing_, [&](RunUnit& unit) { FireTimer(unit, 3); });
  EXPECT_TRUE(store_.Find("r")->row.parked());

  const RunRow run = Transact(registry_, [](RunUnit& unit) { unit.TryAgain(); });
  EXPECT_EQ(run.parked_reason, "");
  EXPECT_TRUE(store_.Find("r")->inbox.empty());
  EXPECT_EQ(History(), (std::vector<std::string>{"WORKFLOW_EXECUTION_STARTED", "ACTIVITY_TASK_SCHEDULED", "TIMER_STARTED",
                                                 "ACTIVITY_TASK_COMPLETED", "TIMER_CANCELED"}));
  EXPECT_EQ(Transact(registry_, [](RunUnit& unit) { (void)SignalRun(unit, "go", "went", "q"); }).result, "went");
}

TEST_F(RunUnitTest, AReportAfterTheCloseInOneUnitIsStale) {
  Start("Either");
  const auto claimed = store_.Claim("worker", 2, 7);
  ASSERT_EQ(claimed.size(), 2u);
  Transact(registry_, [&](RunUnit& unit) {
    EXPECT_TRUE(CompleteTask(unit, TaskToken::Of(claimed[0]), "first").ok());
    EXPECT_EQ(CompleteTask(unit, TaskToken::Of(claimed[1]), "second").code(), StatusCode::kAborted);
    EXPECT_EQ(FailTask(unit, TaskToken::Of(claimed[1]), MakeFailure("x", "y"), false).status().code(), StatusCode::kAborted);
    EXPECT_EQ(ReleaseTask(unit, TaskToken::Of(claimed[1]), "").code(), StatusCode::kAborted);
    EXPECT_TRUE(CompleteTask(unit, TaskToken::Of(claimed[0]), "first").ok()) << "what was taken is acknowledged again";
  });
  EXPECT_EQ(store_.Find("r")->row.result, "first");
  EXPECT_TRUE(store_.Find("r")->attempts.empty());
}

TEST_F(RunUnitTest, AnInboxIsTakenUpOnceByTwoTriesOfOneUnit) {
  Start("Signals");
  const auto signal = [&](const std::string& input) {
    Transact(unknowing_, [&](RunUnit& unit) { EXPECT_TRUE(SignalRun(unit, "s", input, "request " + input).ok()); });
  };
  signal("one,");
  signal("wrong");
  signal("last");
  // The first try gets as far as the second signal, which parks the run again.
  const RunRow run = Transact(registry_, [](RunUnit& unit) {
    unit.TryAgain();
    unit.TryAgain();
  });
  EXPECT_NE(run.parked_reason, "");
  EXPECT_EQ(History(), (std::vector<std::string>{"WORKFLOW_EXECUTION_STARTED", "WORKFLOW_EXECUTION_SIGNALED"}));
  std::vector<std::string> inbox;
  for (const auto& row : store_.Find("r")->inbox) inbox.push_back(row.event.attributes.at("input"));
  EXPECT_EQ(inbox, (std::vector<std::string>{"wrong", "last"}));
}

TEST_F(RunUnitTest, ATryAfterTheSameUnitParkedTheRunKnowsWhatTheUnitHasAdded) {
  Start("Signals");
  const RunRow run = Transact(registry_, [](RunUnit& unit) {
    EXPECT_TRUE(SignalRun(unit, "s", "one,", "1").ok());
    EXPECT_TRUE(SignalRun(unit, "s", "wrong", "2").ok());
    unit.TryAgain();
  });
  EXPECT_NE(run.parked_reason, "");
  EXPECT_EQ(run.history_length, 2);
  EXPECT_EQ(store_.Find("r")->inbox.size(), 1u);
}

}  // namespace
}  // namespace vora::workflow
