#include "libs/workflow/definition/replayer_fixture_test.h"
#include "libs/workflow/definition/retry_policy.h"

namespace vora::workflow {
namespace {

using ::testing::ElementsAre;
using ::testing::EndsWith;
using ::testing::HasSubstr;

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
  ExpectEveryPrefixReplays(Play::Scripts(), play.history());
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

TEST(ReplayerTest, AMismatchShowsWhereTheyPart) {
  Play play(kBoth);
  play.CompleteActivity(3, "y");
  play.CompleteActivity(2, "x");
  auto history = play.history();
  ASSERT_EQ(history.size(), 6u);
  history[5].attributes["activity_id"] = "other";
  EXPECT_EQ(Message(CheckReplay(Play::Scripts(), Play::Info(), history)),
            "nondeterminism: history has event 6 ACTIVITY_TASK_SCHEDULED activity_type=b activity_id=other, but the code issued "
            "ACTIVITY_TASK_SCHEDULED activity_type=b activity_id=3\n"
            "  agreed  3 ACTIVITY_TASK_SCHEDULED activity_type=a activity_id=2\n"
            "  agreed  4 ACTIVITY_TASK_COMPLETED scheduled_event_id=3\n"
            "  agreed  5 ACTIVITY_TASK_COMPLETED scheduled_event_id=2\n"
            "  history 6 ACTIVITY_TASK_SCHEDULED activity_type=b activity_id=other\n"
            "  code    6 ACTIVITY_TASK_SCHEDULED activity_type=b activity_id=3");
  history = play.history();
  history.pop_back();
  EXPECT_THAT(Message(CheckReplay(Play::Scripts(), Play::Info(), history)),
              EndsWith("  agreed  5 ACTIVITY_TASK_COMPLETED scheduled_event_id=2\n"
                       "  code    6 ACTIVITY_TASK_SCHEDULED activity_type=b activity_id=3"));
}

TEST(ReplayerTest, AMismatchIsShort) {
  const std::string name(3000, 'n');
  Play play(R"({"activity": ")" + name + R"(", "id": ")" + name + "\"}, {\"timer_ms\": 1}");
  play.CompleteActivity(2, std::string(5000, 'r'));
  auto history = play.history();
  history[1].attributes["activity_id"] = "line\nbreak \xC3\xA4" + name;
  const std::string text = Message(CheckReplay(Play::Scripts(), Play::Info(), history));
  EXPECT_LT(text.size(), 2000u);
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 3);
  EXPECT_THAT(text, HasSubstr("line?break"));
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
