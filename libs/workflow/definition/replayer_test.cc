#include "libs/workflow/definition/replayer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "libs/workflow/definition/retry_policy.h"
#include "libs/workflow/testing/script_workflow.h"

namespace vora::workflow {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Plays the engine by hand: every input is an event, every command becomes one.
class Play {
 public:
  explicit Play(const std::string& steps, const Registry& registry = Scripts())
      : registry_(registry), replayer_(std::move(Replayer::Create(registry, Info()).value())) {
    Input(v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, {{"input", "{\"steps\": [" + steps + "]}"}});
  }
  static RunInfo Info() { return {"w", "r", "default", "Script"}; }
  static const Registry& Scripts() {
    static const Registry registry = testing::ScriptRegistry();
    return registry;
  }

  std::vector<std::string> Input(v1::EventType type, nlohmann::json attributes) {
    Event event{replayer_->history_length() + 1, type, 1000 * (replayer_->history_length() + 1), std::move(attributes)};
    const Status status = replayer_->Apply(event);
    EXPECT_THAT(status, IsOk());
    history_.push_back(std::move(event));
    std::vector<std::string> issued;
    for (auto& recorded : replayer_->TakeCommands()) {
      issued.push_back(Short(recorded));
      history_.push_back({recorded.event_id, recorded.command.type, 0, recorded.command.attributes});
    }
    issued_ = issued;
    return issued;
  }
  std::vector<std::string> CompleteActivity(int64_t scheduled, const std::string& result = "") {
    return Input(v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, {{"scheduled_event_id", scheduled}, {"result", result}});
  }
  std::vector<std::string> FailActivity(int64_t scheduled) {
    return Input(v1::EVENT_TYPE_ACTIVITY_TASK_FAILED, {{"scheduled_event_id", scheduled}, {"failure", {{"code", "x"}}}});
  }
  std::vector<std::string> Cancel() { return Input(v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED, nlohmann::json::object()); }

  static std::string Short(const RecordedCommand& recorded) {
    const auto& a = recorded.command.attributes;
    std::string text = EventTypeName(recorded.command.type);
    if (a.contains("activity_id")) text += " " + a["activity_id"].get<std::string>();
    if (a.contains("scheduled_event_id")) text += " " + a["scheduled_event_id"].dump();
    if (a.contains("started_event_id")) text += " " + a["started_event_id"].dump();
    if (a.contains("result")) text += " " + a["result"].get<std::string>();
    return text;
  }
  const std::vector<Event>& history() const { return history_; }
  const std::vector<std::string>& issued() const { return issued_; }
  bool closed() const { return replayer_->closed(); }

 private:
  const Registry& registry_;
  std::unique_ptr<Replayer> replayer_;
  std::vector<Event> history_;
  std::vector<std::string> issued_;
};

constexpr char kTwo[] = R"({"activity": "a", "id": "1"}, {"activity": "a", "id": "2"})";
constexpr char kBoth[] = R"({"all": [{"activity": "a", "id": "1"}, {"activity": "a", "id": "2"}]}, {"activity": "b", "id": "3"})";

TEST(ReplayerTest, IssuesOneStepAfterTheOther) {
  Play play(kTwo);
  EXPECT_THAT(play.issued(), ElementsAre("ACTIVITY_TASK_SCHEDULED 1"));
  EXPECT_THAT(play.CompleteActivity(2, "x"), ElementsAre("ACTIVITY_TASK_SCHEDULED 2"));
  EXPECT_THAT(play.CompleteActivity(4, "y"), ElementsAre(R"(WORKFLOW_EXECUTION_COMPLETED ["x","y"])"));
  EXPECT_TRUE(play.closed());
}

TEST(ReplayerTest, WhenAllGivesTheSameResultInWhateverOrderTheyEnd) {
  Play forward(kBoth), backward(kBoth);
  EXPECT_THAT(forward.issued(), ElementsAre("ACTIVITY_TASK_SCHEDULED 1", "ACTIVITY_TASK_SCHEDULED 2"));
  EXPECT_TRUE(forward.CompleteActivity(2, "x").empty());
  forward.CompleteActivity(3, "y");
  EXPECT_TRUE(backward.CompleteActivity(3, "y").empty());
  backward.CompleteActivity(2, "x");
  EXPECT_THAT(forward.CompleteActivity(6, "z"), ElementsAre(R"(WORKFLOW_EXECUTION_COMPLETED ["x","y","z"])"));
  EXPECT_THAT(backward.CompleteActivity(6, "z"), ElementsAre(R"(WORKFLOW_EXECUTION_COMPLETED ["x","y","z"])"));
}

TEST(ReplayerTest, WhenAnyAbandonsTheOthers) {
  Play play(R"({"any": [{"activity": "a", "id": "1"}, {"timer_ms": 5}]}, {"activity": "b", "id": "3"})");
  EXPECT_THAT(play.issued(), ElementsAre("ACTIVITY_TASK_SCHEDULED 1", "TIMER_STARTED"));
  EXPECT_THAT(play.Input(v1::EVENT_TYPE_TIMER_FIRED, {{"started_event_id", 3}}),
              ElementsAre("ACTIVITY_TASK_CANCEL_REQUESTED 2", "ACTIVITY_TASK_SCHEDULED 3"));
  // The abandoned activity may still end in whatever way.
  EXPECT_TRUE(play.CompleteActivity(2, "late").empty());
  EXPECT_THAT(play.CompleteActivity(6, "z"), ElementsAre(R"(WORKFLOW_EXECUTION_COMPLETED ["z"])"));
}

TEST(ReplayerTest, CancelReachesEverythingButCleanup) {
  Play play(std::string(kBoth) + R"(, {"cleanup": {"activity": "c", "id": "cleanup"}})");
  EXPECT_THAT(play.Cancel(),
              ElementsAre("ACTIVITY_TASK_CANCEL_REQUESTED 2", "ACTIVITY_TASK_CANCEL_REQUESTED 3", "ACTIVITY_TASK_SCHEDULED cleanup"));
  EXPECT_TRUE(play.Input(v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED, {{"scheduled_event_id", 2}}).empty());
  EXPECT_THAT(play.CompleteActivity(7), ElementsAre("WORKFLOW_EXECUTION_CANCELED"));
  EXPECT_THAT(CheckReplay(Play::Scripts(), Play::Info(), play.history()), IsOk());
}

TEST(ReplayerTest, EveryPrefixOfAHistoryReplaysToTheSameCommands) {
  Play play(std::string(kBoth) + R"(, {"any": [{"signal": "go"}, {"timer_ms": 9}]}, {"activity": "d", "id": "4"})");
  play.CompleteActivity(3, "y");
  play.CompleteActivity(2, "x");
  play.CompleteActivity(6, "z");
  play.Input(v1::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED, {{"name", "go"}, {"input", "s"}});
  play.FailActivity(11);
  ASSERT_TRUE(play.closed());
  for (size_t length = 1; length <= play.history().size(); ++length) {
    auto replayer = Replayer::Create(Play::Scripts(), Play::Info()).value();
    for (size_t i = 0; i < length; ++i) ASSERT_THAT(replayer->Apply(play.history()[i]), IsOk()) << length;
    // What the code issues next is what the history goes on with.
    size_t next = length;
    for (const auto& recorded : replayer->TakeCommands()) {
      ASSERT_LT(next, play.history().size());
      EXPECT_EQ(recorded.command.attributes, play.history()[next].attributes);
      ++next;
    }
    EXPECT_TRUE(next == play.history().size() || !IsCommandEvent(play.history()[next].type)) << length;
  }
  const auto stored = HistoryFromJson(HistoryToJson(play.history()));
  EXPECT_THAT(CheckReplay(Play::Scripts(), Play::Info(), stored), IsOk());
}

Status ReplayChanged(const std::function<void(std::vector<Event>&)>& change) {
  Play play(kTwo);
  play.CompleteActivity(2, "x");
  auto history = play.history();
  change(history);
  return CheckReplay(Play::Scripts(), Play::Info(), history);
}

TEST(ReplayerTest, NoticesNondeterminism) {
  EXPECT_THAT(Message(ReplayChanged([](auto& h) { h[1].attributes["activity_type"] = "other"; })),
              HasSubstr("history has event 2 ACTIVITY_TASK_SCHEDULED activity_type=other activity_id=1, but the code issued "
                        "ACTIVITY_TASK_SCHEDULED activity_type=a activity_id=1"));
  EXPECT_THAT(Message(ReplayChanged([](auto& h) { h[3].type = v1::EVENT_TYPE_TIMER_STARTED; })), HasSubstr("nondeterminism"));
  EXPECT_THAT(Message(ReplayChanged([](auto& h) { h.pop_back(); })), HasSubstr("history ends, but the code issued"));
  EXPECT_THAT(Message(ReplayChanged([](auto& h) { h[2].attributes["scheduled_event_id"] = 1; })), HasSubstr("did not begin"));
  EXPECT_THAT(Message(ReplayChanged([](auto& h) {
                h.push_back(h.back());
                h.back().id = 5;
              })),
              HasSubstr("but the code issued nothing"));
  EXPECT_THAT(ReplayChanged([](auto& h) { h.erase(h.begin() + 1); }), StatusIs(StatusCode::kInternal)) << "a gap";
  EXPECT_EQ(ReplayChanged([](auto& h) { h[1].attributes["input"] = "changed"; }), Status()) << "inputs may change with the code";
}

Task<WorkflowResult> Throwing(WorkflowContext, std::string) {
  throw std::runtime_error("a bug");
  co_return WorkflowResult::Completed("");
}

TEST(ReplayerTest, CodeThatThrowsIsReported) {
  Registry registry;
  registry.Add("Script", &Throwing);
  auto replayer = Replayer::Create(registry, Play::Info()).value();
  EXPECT_THAT(Message(replayer->Apply({1, v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, 1, {{"input", ""}}})),
              HasSubstr("the workflow's code threw: a bug"));
}

TEST(ReplayerTest, AThousandActivitiesSideBySide) {
  std::string steps;
  for (int i = 0; i < 1000; ++i) steps += std::string(i ? "," : "") + R"({"activity": "a", "id": ")" + std::to_string(i) + "\"}";
  Play play("{\"all\": [" + steps + "]}");
  EXPECT_EQ(play.issued().size(), 1000u);
  for (int i = 999; i >= 0; --i) play.CompleteActivity(2 + i, "0");
  EXPECT_TRUE(play.closed());
  EXPECT_THAT(CheckReplay(Play::Scripts(), Play::Info(), play.history()), IsOk());
}

TEST(RetryPolicyTest, BacksOffToTheMaximum) {
  v1::RetryPolicy policy;
  policy.mutable_maximum_interval()->set_seconds(5);
  const v1::Failure failure;
  EXPECT_EQ(NextAttemptDelay(policy, 1, failure, 0, std::nullopt), 1'000'000);
  EXPECT_EQ(NextAttemptDelay(policy, 2, failure, 0, std::nullopt), 2'000'000);
  EXPECT_EQ(NextAttemptDelay(policy, 3, failure, 0, std::nullopt), 4'000'000);
  EXPECT_EQ(NextAttemptDelay(policy, 4, failure, 0, std::nullopt), 5'000'000);
  EXPECT_EQ(NextAttemptDelay(policy, 100'000, failure, 0, std::nullopt), 5'000'000);
  EXPECT_EQ(NextAttemptDelay(policy, 4, failure, 0, 5'000'000), std::nullopt);
  policy.set_maximum_attempts(2);
  EXPECT_EQ(NextAttemptDelay(policy, 2, failure, 0, std::nullopt), std::nullopt);
}

TEST(RetryPolicyTest, CodesMatchExactlyOrByPrefix) {
  v1::RetryPolicy policy;
  policy.add_non_retryable_error_types("media.*");
  policy.add_non_retryable_error_types("worker.bug");
  const auto refused = [&](const std::string& code) { return IsNonRetryable(policy, MakeFailure(code, "")); };
  EXPECT_TRUE(refused("media.no_video"));
  EXPECT_TRUE(refused("worker.bug"));
  EXPECT_FALSE(refused("mediation.failed"));
  EXPECT_FALSE(refused("worker.bugs"));
  EXPECT_FALSE(refused(""));
}

}  // namespace
}  // namespace vora::workflow
