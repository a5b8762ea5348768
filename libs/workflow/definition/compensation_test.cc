#include "libs/workflow/definition/replayer_fixture_test.h"

namespace vora::workflow {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

v1::ActivityOptions QuickOptions() {
  v1::ActivityOptions options;
  options.set_queue("test");
  options.mutable_start_to_close_timeout()->set_seconds(10);
  return options;
}

Task<v1::Failure> Undo(WorkflowContext ctx, WorkflowResult why, std::string id) {
  const std::string end = why.state == WorkflowResult::State::kCanceled ? "canceled" : why.failure.code();
  const auto result = co_await ctx.Activity("undo", "undo " + id + " " + end, "", QuickOptions());
  ctx.Cancel();  // its own scope, and no other's
  co_return result.failure;
}

Task<bool> Do(WorkflowContext ctx, std::string id) {
  const auto result = co_await ctx.Activity("do", id, "", QuickOptions());
  if (result.ok) ctx.Compensate(id, &Undo, id);
  co_return result.ok;
}

// a, then b and c side by side in a scope of their own, then d.
Task<WorkflowResult> Booking(WorkflowContext ctx, std::string) {
  bool ok = co_await Do(ctx, "a");
  if (ok) {
    std::vector<Task<bool>> both;
    const WorkflowContext scope = ctx.NewScope();
    both.push_back(Do(scope, "b"));
    both.push_back(Do(scope, "c"));
    const auto done = co_await WhenAll(std::move(both));
    ok = done[0] && done[1];
    scope.Cancel();
  }
  if (ok) ok = co_await Do(ctx, "d");
  if (ctx.cancelled()) co_return WorkflowResult::Canceled();
  co_return ok ? WorkflowResult::Completed("{}") : WorkflowResult::Failed(MakeFailure("x", "failed by the test"));
}

const Registry& Bookings() {
  static const Registry registry = [] {
    Registry filled;
    filled.Add("Script", &Booking);
    return filled;
  }();
  return registry;
}

// With a, c and b done, in this order; d is open.
std::unique_ptr<Play> UpToD() {
  auto play = std::make_unique<Play>("", Bookings());
  EXPECT_THAT(play->CompleteActivity(2), ElementsAre("ACTIVITY_TASK_SCHEDULED b", "ACTIVITY_TASK_SCHEDULED c"));
  EXPECT_THAT(play->CompleteActivity(5), IsEmpty());
  EXPECT_THAT(play->CompleteActivity(4), ElementsAre("ACTIVITY_TASK_SCHEDULED d"));
  return play;
}

int64_t Last(const Play& play) { return play.history().back().id; }

TEST(CompensationTest, NothingIsUndoneOnSuccess) {
  const auto play = UpToD();
  EXPECT_THAT(play->CompleteActivity(Last(*play)), ElementsAre("WORKFLOW_EXECUTION_COMPLETED {}"));
  ExpectEveryPrefixReplays(Bookings(), play->history());
}

TEST(CompensationTest, AFailureUndoesTheLastFirst) {
  const auto play = UpToD();
  EXPECT_THAT(play->FailActivity(Last(*play)), ElementsAre("ACTIVITY_TASK_SCHEDULED undo b x"));
  EXPECT_THAT(play->CompleteActivity(Last(*play)), ElementsAre("ACTIVITY_TASK_SCHEDULED undo c x"));
  EXPECT_THAT(play->CompleteActivity(Last(*play)), ElementsAre("ACTIVITY_TASK_SCHEDULED undo a x"));
  EXPECT_THAT(play->CompleteActivity(Last(*play)), ElementsAre("WORKFLOW_EXECUTION_FAILED"));
  EXPECT_EQ(play->history().back().attributes, nlohmann::json({{"failure", {{"code", "x"}, {"message", "failed by the test"}}}}));
  ExpectEveryPrefixReplays(Bookings(), play->history());
}

TEST(CompensationTest, OnlyWhatWasDoneIsUndone) {
  Play play("", Bookings());
  EXPECT_THAT(play.FailActivity(2), ElementsAre("WORKFLOW_EXECUTION_FAILED"));
  ExpectEveryPrefixReplays(Bookings(), play.history());
}

TEST(CompensationTest, AFailureOfOneDoesNotKeepTheOthers) {
  const auto play = UpToD();
  play->FailActivity(Last(*play));
  EXPECT_THAT(play->FailActivity(Last(*play)), ElementsAre("ACTIVITY_TASK_SCHEDULED undo c x"));
  EXPECT_THAT(play->CompleteActivity(Last(*play)), ElementsAre("ACTIVITY_TASK_SCHEDULED undo a x"));
  EXPECT_THAT(play->FailActivity(Last(*play)), ElementsAre("WORKFLOW_EXECUTION_FAILED"));
  EXPECT_EQ(play->history().back().attributes["failure"]["code"], "x") << "the workflow's own";
  const auto& failed = play->history().back().attributes["failed_compensations"];
  ASSERT_EQ(failed.size(), 2u);
  EXPECT_EQ(failed[0], nlohmann::json({{"name", "b"}, {"code", "x"}, {"message", ""}}));
  EXPECT_EQ(failed[1]["name"], "a");
  ExpectEveryPrefixReplays(Bookings(), play->history());
}

TEST(CompensationTest, ACancelUndoesWhatIsDoneSoFar) {
  Play play("", Bookings());
  play.CompleteActivity(2);
  EXPECT_THAT(play.CompleteActivity(4), IsEmpty());
  EXPECT_THAT(play.Cancel(), ElementsAre("ACTIVITY_TASK_CANCEL_REQUESTED 5", "ACTIVITY_TASK_SCHEDULED undo b canceled"));
  EXPECT_THAT(play.CompleteActivity(Last(play)), ElementsAre("ACTIVITY_TASK_SCHEDULED undo a canceled"));
  EXPECT_THAT(play.CompleteActivity(Last(play)), ElementsAre("WORKFLOW_EXECUTION_CANCELED"));
  ExpectEveryPrefixReplays(Bookings(), play.history());
}

TEST(CompensationTest, ACancelMeanwhileChangesNothing) {
  const auto play = UpToD();
  play->FailActivity(Last(*play));
  const int64_t undo = Last(*play);
  EXPECT_THAT(play->Cancel(), IsEmpty());
  EXPECT_THAT(play->CompleteActivity(undo), ElementsAre("ACTIVITY_TASK_SCHEDULED undo c x"));
  play->CompleteActivity(Last(*play));
  EXPECT_THAT(play->CompleteActivity(Last(*play)), ElementsAre("WORKFLOW_EXECUTION_FAILED")) << "as it was decided, and undone";
  ExpectEveryPrefixReplays(Bookings(), play->history());
}

TEST(CompensationTest, TwoCancelsUndoOnce) {
  const auto play = UpToD();
  EXPECT_THAT(play->Cancel(), ElementsAre("ACTIVITY_TASK_CANCEL_REQUESTED 8", "ACTIVITY_TASK_SCHEDULED undo b canceled"));
  const int64_t undo = Last(*play);
  EXPECT_THAT(play->Cancel(), IsEmpty());
  EXPECT_THAT(play->CompleteActivity(undo), ElementsAre("ACTIVITY_TASK_SCHEDULED undo c canceled"));
}

// Leaves an activity open when it fails, and undoes two things, the second of which registers a third.
Task<v1::Failure> UndoMore(WorkflowContext ctx, WorkflowResult, int more) {
  if (more > 0) ctx.Compensate("more", &UndoMore, more - 1);
  const auto result = co_await ctx.Activity("undo", "more " + std::to_string(more), "", QuickOptions());
  co_return result.failure;
}

Task<WorkflowResult> Untidy(WorkflowContext ctx, std::string) {
  ctx.Compensate("first", &Undo, std::string("first"));
  ctx.NewScope().Compensate("more", &UndoMore, 1);
  std::vector<Task<bool>> race;
  race.push_back(Do(ctx, "slow"));
  race.push_back(ctx.Timer(std::chrono::seconds(1), "limit"));
  (void)co_await WhenAny(race);
  co_return WorkflowResult::Failed(MakeFailure("late", ""));
}

TEST(CompensationTest, WhatIsOpenEndsBeforeAnythingIsUndone) {
  Registry registry;
  registry.Add("Script", &Untidy);
  Play play("", registry);
  EXPECT_THAT(play.Input(v1::EVENT_TYPE_TIMER_FIRED, {{"started_event_id", 3}}),
              ElementsAre("ACTIVITY_TASK_CANCEL_REQUESTED 2", "ACTIVITY_TASK_SCHEDULED more 1"));
  EXPECT_THAT(play.CompleteActivity(Last(play)), ElementsAre("ACTIVITY_TASK_SCHEDULED more 0"));
  EXPECT_THAT(play.CompleteActivity(Last(play)), ElementsAre("ACTIVITY_TASK_SCHEDULED undo first late"));
  EXPECT_THAT(play.CompleteActivity(Last(play)), ElementsAre("WORKFLOW_EXECUTION_FAILED"));
  ExpectEveryPrefixReplays(registry, play.history());
}

Task<v1::Failure> UndoThrows(WorkflowContext, WorkflowResult) {
  throw std::runtime_error("a bug");
  co_return v1::Failure();
}

Task<WorkflowResult> FailsAtOnce(WorkflowContext ctx, std::string) {
  ctx.Compensate("first", &Undo, std::string("first"));
  ctx.Compensate("throws", &UndoThrows);
  co_return WorkflowResult::Failed(MakeFailure("x", ""));
}

TEST(CompensationTest, AStepThatThrowsIsAFaultOfTheCode) {
  Registry registry;
  registry.Add("Script", &FailsAtOnce);
  auto replayer = Replayer::Create(registry, Play::Info()).value();
  const Status status = replayer->Apply({1, v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, 1, {{"input", ""}}});
  EXPECT_THAT(Message(status), ::testing::StartsWith("the workflow's code threw: a bug\n  history 1 WORKFLOW_EXECUTION_STARTED"));
  EXPECT_THAT(replayer->TakeCommands(), IsEmpty()) << "better code finds everything still to do";
}

}  // namespace
}  // namespace vora::workflow
