#include "libs/workflow/definition/run_state_internal.h"

#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::workflow {
namespace {

v1::ActivityOptions AnyOptions() {
  v1::ActivityOptions options;
  options.set_queue("test");
  options.mutable_start_to_close_timeout()->set_seconds(10);
  return options;
}

// For ever: an activity with a time limit, in a scope of its own, and a signal.
Task<WorkflowResult> Watchdog(WorkflowContext ctx, std::string) {
  while (true) {
    const WorkflowContext round = ctx.NewScope();
    std::vector<Task<bool>> limit;
    limit.push_back(round.Timer(std::chrono::seconds(1), "limit"));
    limit[0].Start();
    (void)co_await round.Activity("a", "a", "", AnyOptions());
    round.Cancel();
    (void)co_await limit[0];
    (void)co_await ctx.Signal("next");
  }
}

TEST(RunStateTest, WhatIsOverIsForgotten) {
  const Registry::Definition definition = &Watchdog;
  RunState state({}, definition);
  int64_t id = 0;
  const auto deliver = [&](v1::EventType type, nlohmann::json attributes) {
    ASSERT_THAT(state.Deliver({++id, type, 0, std::move(attributes)}), IsOk());
    while (state.NextCommand()) (void)state.Record(++id);
  };
  deliver(v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, {{"input", ""}});
  EXPECT_EQ(state.Remembered(), 6u) << "a timer and an activity, each by wait, by event and by number";
  for (int i = 0; i < 1000; ++i) {
    const int64_t activity = id;
    deliver(v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, {{"scheduled_event_id", activity}});
    EXPECT_EQ(state.Remembered(), 1u) << "the wait for the signal";
    deliver(v1::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, {{"name", "next"}, {"input", ""}});
    EXPECT_EQ(state.Remembered(), 6u);
  }
}

TEST(RunStateTest, ScopesLiveAsLongAsSomethingRefersToThem) {
  auto root = std::make_shared<Scope>(nullptr);
  auto scope = root;
  for (int i = 0; i < 1'000'000; ++i) scope = std::make_shared<Scope>(std::move(scope));
  EXPECT_FALSE(IsCancelled(scope.get()));
  root->cancelled = true;
  EXPECT_TRUE(IsCancelled(scope.get()));
  EXPECT_EQ(root.use_count(), 2);
  scope.reset();  // a million of them, without a million calls on the stack
  EXPECT_EQ(root.use_count(), 1);
}

Task<WorkflowResult> WithMessage(WorkflowContext ctx, std::string) {
  v1::DeleteVideoInput small, large, huge;
  small.set_video_id("v");
  large.set_video_id(std::string(100'000, 'v'));
  huge.set_video_id(std::string(kMaxPayloadBytes, 'v'));
  (void)co_await ctx.Activity("a", "small", small, AnyOptions());
  (void)co_await ctx.Activity("a", "large", large, AnyOptions());
  const auto refused = co_await ctx.Activity("a", "huge", huge, AnyOptions());
  co_return WorkflowResult::Failed(refused.failure);
}

TEST(RunStateTest, AMessageBecomesJsonOnlyWhenItIsNew) {
  const Registry::Definition definition = &WithMessage;
  RunState state({}, definition);
  ASSERT_THAT(state.Deliver({1, v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, 0, {{"input", ""}}}), IsOk());
  IssuedCommand command = state.Record(2);
  EXPECT_TRUE(command.input.message && command.input.text.empty());
  EXPECT_EQ(std::move(command).ToCommand().attributes["input"], R"({"videoId":"v"})");
  ASSERT_THAT(state.Deliver({3, v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, 0, {{"scheduled_event_id", 2}}}), IsOk());
  command = state.Record(4);
  EXPECT_EQ(std::move(command).ToCommand().attributes["input"].get<std::string>().size(), 100'014u);
  ASSERT_THAT(state.Deliver({5, v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, 0, {{"scheduled_event_id", 4}}}), IsOk());
  EXPECT_EQ(state.Record(6).closing["failure"]["code"], "workflow.payload_too_large");
}

}  // namespace
}  // namespace vora::workflow
