#include "libs/workflow/definition/replay_cache.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <malloc.h>

#include "libs/workflow/definition/replayer_fixture_test.h"

namespace vora::workflow {
namespace {

// Waits for activities, and has been given a result of `text` bytes.
std::unique_ptr<Replayer> Waiting(int activities, size_t text) {
  std::string steps;
  for (int i = 0; i < activities; ++i) steps += (i > 0 ? "," : "") + (R"({"activity": "a", "id": ")" + std::to_string(i) + "\"}");
  const std::string input = R"({"steps": [{"activity": "first", "id": "first"}, {"all": [)" + steps + "]}]}";
  auto replayer = std::move(Replayer::Create(Play::Scripts(), Play::Info()).value());
  EXPECT_THAT(replayer->Apply({1, v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, 1, {{"input", input}}}), IsOk());
  replayer->TakeCommands();
  EXPECT_THAT(
      replayer->Apply({3, v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, 1, {{"scheduled_event_id", 2}, {"result", std::string(text, 'x')}}}),
      IsOk());
  replayer->TakeCommands();
  return replayer;
}

TEST(ReplayCacheTest, HoldsNoMoreBytesThanItMay) {
  const size_t one = Waiting(1, 10'000)->Bytes();
  ReplayCache cache(one * 5);
  for (int i = 0; i < 20; ++i) {
    cache.Put("run" + std::to_string(i), Waiting(1, 10'000));
    EXPECT_LE(cache.uses().bytes, one * 5);
  }
  EXPECT_EQ(cache.Seen("run19"), 4);
  EXPECT_EQ(cache.Seen("run0"), 0) << "those used longest ago are forgotten";
  cache.Put("large", Waiting(1, 200'000));
  EXPECT_EQ(cache.Seen("large"), 0) << "one alone may be too large";
}

TEST(ReplayCacheTest, GivesBackWhatItTakesOutAndDrops) {
  ReplayCache cache(1 << 20);
  cache.Put("a", Waiting(1, 10));
  cache.Put("b", Waiting(1, 10));
  EXPECT_NE(cache.Take("a", 4), nullptr);
  EXPECT_EQ(cache.Take("a", 4), nullptr);
  EXPECT_EQ(cache.uses().hits, 1);
  EXPECT_EQ(cache.uses().misses, 1);
  cache.Drop("b");
  cache.Drop("b");
  EXPECT_EQ(cache.uses().bytes, 0u);
  cache.Put("a", Waiting(1, 10));
  EXPECT_EQ(cache.Take("a", 3), nullptr) << "it knows more than the history";
  EXPECT_EQ(cache.uses().bytes, 0u);
}

TEST(ReplayCacheTest, WithoutMemoryNothingIsKept) {
  ReplayCache cache(0);
  cache.Put("a", Waiting(1, 10));
  EXPECT_EQ(cache.Seen("a"), 0);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// Beside what the allocator says that it has given out.
TEST(ReplayCacheTest, EstimatesMemoryHonestly) {
  for (const int activities : {1, 20, 200}) {
    for (const size_t text : {size_t{0}, size_t{20'000}}) {
      constexpr int kRuns = 50;
      std::vector<std::unique_ptr<Replayer>> runs;
      runs.reserve(kRuns);
      const size_t before = mallinfo2().uordblks;
      size_t estimated = 0;
      for (int i = 0; i < kRuns; ++i) {
        runs.push_back(Waiting(activities, text));
        estimated += runs.back()->Bytes();
      }
      const size_t used = mallinfo2().uordblks - before;
      EXPECT_GT(estimated, used * 2 / 3) << activities << " activities, " << text << " bytes: " << used / kRuns << " each";
      EXPECT_LT(estimated, used * 3) << activities << " activities, " << text << " bytes: " << used / kRuns << " each";
    }
  }
}
#endif

}  // namespace
}  // namespace vora::workflow
