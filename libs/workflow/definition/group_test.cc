#include "libs/workflow/definition/replayer_fixture_test.h"

namespace vora::workflow {
namespace {

using ::testing::ElementsAre;

v1::ActivityOptions GroupTestOptions(std::initializer_list<const char*> items = {}) {
  v1::ActivityOptions options;
  options.set_queue("test");
  options.mutable_start_to_close_timeout()->set_seconds(10);
  for (const char* name : items) options.add_items()->set_name(name);
  return options;
}

std::string TextOf(const std::vector<ItemResult>& ended) {
  std::string text;
  for (const auto& item : ended) text += item.name + (item.result.ok ? "=" + item.result.result : "!" + item.result.failure.code()) + " ";
  return text;
}

// Does something after each round of items that end, as a workflow that records them.
Task<WorkflowResult> RecordsRounds(WorkflowContext ctx, std::string) {
  const Group group = ctx.Group("encode", "g", std::string(), GroupTestOptions({"a", "b", "c"}));
  std::string all;
  while (!group.done()) {
    const auto ended = co_await group.Next();
    (void)co_await ctx.Activity("record", TextOf(ended), "", GroupTestOptions());
    all += TextOf(ended) + "; ";
  }
  const auto after = co_await group.Next();
  co_return WorkflowResult::Completed(all + std::to_string(after.size()));
}

Task<ActivityResult> FirstRound(Group group) {
  const auto ended = co_await group.Next();
  co_return ActivityResult{true, false, TextOf(ended), {}};
}

// Waits for a group and a signal; the loser's wait is destroyed, and the group goes on.
Task<WorkflowResult> WaitsTwice(WorkflowContext ctx, std::string) {
  const Group group = ctx.Group("encode", "g", std::string(), GroupTestOptions({"a", "b"}));
  {
    std::vector<Task<ActivityResult>> both;
    both.push_back(FirstRound(group));
    both.push_back(ctx.Signal("go"));
    (void)co_await WhenAny(both);
  }
  std::string all;
  while (!group.done()) {
    const auto ended = co_await group.Next();
    all += TextOf(ended);
  }
  co_return WorkflowResult::Completed(all);
}

// Ends before its group.
Task<WorkflowResult> Abandons(WorkflowContext ctx, std::string) {
  {
    const Group group = ctx.Group("encode", "g", std::string(), GroupTestOptions({"a", "b"}));
    (void)co_await group.Next();
  }
  (void)co_await ctx.Signal("go");
  co_return WorkflowResult::Completed("");
}

Registry GroupDefinitions(Task<WorkflowResult> (*definition)(WorkflowContext, std::string)) {
  Registry registry;
  registry.Add("Script", definition);
  return registry;
}

nlohmann::json Ended(int64_t scheduled, const std::vector<std::string>& items) {
  nlohmann::json attributes{{"scheduled_event_id", scheduled}, {"items", nlohmann::json::array()}};
  for (const auto& item : items) {
    const bool failed = item.ends_with("!");
    nlohmann::json one{{"name", failed ? item.substr(0, item.size() - 1) : item}};
    if (failed) {
      one["failure"] = {{"code", "x"}};
    } else {
      one["result"] = "1";
    }
    attributes["items"].push_back(one);
  }
  return attributes;
}

TEST(GroupTest, ItemsAreGivenAsTheyEnd) {
  const Registry registry = GroupDefinitions(&RecordsRounds);
  Play play("", registry);
  EXPECT_THAT(play.issued(), ElementsAre("ACTIVITY_TASK_SCHEDULED g"));
  EXPECT_EQ(play.history().back().attributes.at("items"), nlohmann::json({"a", "b", "c"}));
  EXPECT_THAT(play.Input(v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED, Ended(2, {"b"})), ElementsAre("ACTIVITY_TASK_SCHEDULED b=1 "));
  // Two that end while the code is busy come with the next call.
  EXPECT_THAT(play.Input(v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED, Ended(2, {"a!"})), ElementsAre());
  EXPECT_THAT(play.Input(v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, Ended(2, {"c"})), ElementsAre());
  EXPECT_THAT(play.CompleteActivity(4), ElementsAre("ACTIVITY_TASK_SCHEDULED a!x c=1 "));
  EXPECT_THAT(play.CompleteActivity(8), ElementsAre("WORKFLOW_EXECUTION_COMPLETED b=1 ; a!x c=1 ; 0"));
  ExpectEveryPrefixReplays(registry, play.history());
}

TEST(GroupTest, AFailureOfTheWholeIsThatOfEveryItemLeft) {
  const Registry registry = GroupDefinitions(&RecordsRounds);
  Play play("", registry);
  play.Input(v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED, Ended(2, {"b"}));
  play.CompleteActivity(4);
  EXPECT_THAT(play.FailActivity(2), ElementsAre("ACTIVITY_TASK_SCHEDULED a!x c!x "));
}

TEST(GroupTest, CancelEndsWhatIsLeft) {
  const Registry registry = GroupDefinitions(&RecordsRounds);
  Play play("", registry);
  play.Input(v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED, Ended(2, {"b"}));
  EXPECT_THAT(play.Cancel(), ElementsAre("ACTIVITY_TASK_CANCEL_REQUESTED 2", "ACTIVITY_TASK_CANCEL_REQUESTED 4",
                                         "WORKFLOW_EXECUTION_COMPLETED b=1 ; a!canceled c!canceled ; 0"));
}

TEST(GroupTest, AWaitThatIsGivenUpLosesNothing) {
  const Registry registry = GroupDefinitions(&WaitsTwice);
  Play play("", registry);
  EXPECT_THAT(play.Input(v1::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, {{"name", "go"}, {"input", ""}}), ElementsAre());
  play.Input(v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED, Ended(2, {"b"}));
  EXPECT_THAT(play.Input(v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, Ended(2, {"a"})), ElementsAre("WORKFLOW_EXECUTION_COMPLETED b=1 a=1 "));
  ExpectEveryPrefixReplays(registry, play.history());
}

TEST(GroupTest, AGroupThatIsDestroyedIsCancelled) {
  const Registry registry = GroupDefinitions(&Abandons);
  Play play("", registry);
  EXPECT_THAT(play.Input(v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED, Ended(2, {"b"})), ElementsAre("ACTIVITY_TASK_CANCEL_REQUESTED 2"));
  EXPECT_THAT(play.Input(v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED, {{"scheduled_event_id", 2}}), ElementsAre());
  ExpectEveryPrefixReplays(registry, play.history());
}

TEST(GroupTest, OtherItemsThanThoseOfHistoryAreAMismatch) {
  const Registry registry = GroupDefinitions(&RecordsRounds);
  Play play("", registry);
  auto history = play.history();
  history[1].attributes["items"] = {"a", "b"};
  EXPECT_THAT(CheckReplay(registry, Play::Info(), history), StatusIs(StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace vora::workflow
