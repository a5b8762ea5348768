#include "libs/run/retry.h"

#include <gtest/gtest.h>

#include <vector>

#include "libs/testing/status_matchers.h"

namespace vora {
namespace {

using std::chrono::milliseconds;

const RetryOptions kQuick{.max_attempts = 4, .initial = milliseconds(1), .max = milliseconds(2), .multiplier = 2};

TEST(RetryTest, RepeatsTransientFaultsUntilItWorks) {
  int calls = 0;
  const Status status = RetryIdempotent(kQuick, [&] { return ++calls < 3 ? Unavailable("not yet") : absl::OkStatus(); });
  EXPECT_THAT(status, IsOk());
  EXPECT_EQ(calls, 3);
}

TEST(RetryTest, NeverRepeatsAPermanentFault) {
  int calls = 0;
  const Status status = RetryIdempotent(kQuick, [&] { return ++calls, InvalidArgument("bad"); });
  EXPECT_EQ(status, InvalidArgument("bad"));
  EXPECT_EQ(calls, 1);
}

TEST(RetryTest, GivesTheLastFaultWhenAttemptsAreUsedUp) {
  int calls = 0;
  const Status status = RetryIdempotent(kQuick, [&] { return Unavailable("try " + std::to_string(++calls)); });
  EXPECT_EQ(status, Unavailable("try 4"));
}

TEST(RetryTest, StopsWaitingWhenToldTo) {
  int calls = 0;
  RetryOptions slow;
  slow.initial = slow.max = std::chrono::hours(1);
  const Status status = RetryIdempotent(
      slow, [&] { return ++calls, Unavailable("down"); }, [&] { return calls > 0; });
  EXPECT_EQ(status, Unavailable("down"));
  EXPECT_EQ(calls, 1);
}

TEST(RetryTest, BackoffGrowsToItsLimitWithJitter) {
  const RetryOptions options{.max_attempts = 9, .initial = milliseconds(100), .max = milliseconds(1000), .multiplier = 2};
  const std::vector<int64_t> expected = {100, 200, 400, 800, 1000, 1000};
  for (size_t i = 0; i < expected.size(); ++i) {
    for (int repeat = 0; repeat < 50; ++repeat) {
      const auto delay = BackoffDelay(options, static_cast<int>(i) + 1, Unavailable("x")).count();
      EXPECT_GE(delay, expected[i] * 8 / 10 - 1);
      EXPECT_LE(delay, expected[i] * 12 / 10 + 1);
    }
  }
}

TEST(RetryTest, ExhaustedResourcesWaitFourTimesAsLong) {
  const RetryOptions options{.max_attempts = 2, .initial = milliseconds(100), .max = milliseconds(1000), .multiplier = 2};
  EXPECT_GE(BackoffDelay(options, 1, ResourceExhausted("x")), milliseconds(319));
}

TEST(RetryTest, HugeAttemptNumbersStayAtTheLimit) {
  EXPECT_LE(BackoffDelay(RetryOptions{}, 1'000'000, Unavailable("x")), milliseconds(6001));
}

}  // namespace
}  // namespace vora
