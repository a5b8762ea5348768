#include "libs/core/token_bucket.h"

#include <gtest/gtest.h>

namespace vora {
namespace {

using std::chrono::milliseconds;

class TokenBucketTest : public ::testing::Test {
 protected:
  const TokenBucket::Time start_{};
  const TokenRate rate_{.per_second = 2, .burst = 4};
  TokenBucket bucket_{rate_, start_};
};

TEST_F(TokenBucketTest, GivesABurstAndThenTheRate) {
  for (int i = 0; i < 4; ++i) EXPECT_EQ(bucket_.Take(1, rate_, start_), 0);
  EXPECT_DOUBLE_EQ(bucket_.Take(1, rate_, start_), 0.5);
  EXPECT_DOUBLE_EQ(bucket_.Take(1, rate_, start_ + milliseconds(250)), 0.25);
  EXPECT_EQ(bucket_.Take(1, rate_, start_ + milliseconds(500)), 0);
}

TEST_F(TokenBucketTest, TakesAllOrNothing) {
  EXPECT_DOUBLE_EQ(bucket_.Take(5, rate_, start_), 0.5);
  EXPECT_EQ(bucket_.Take(4, rate_, start_), 0);
}

TEST_F(TokenBucketTest, HoldsNoMoreThanABurst) {
  const auto later = start_ + std::chrono::hours(1);
  EXPECT_EQ(bucket_.Take(4, rate_, later), 0);
  EXPECT_GT(bucket_.Take(1, rate_, later), 0);
}

TEST_F(TokenBucketTest, WaitingTakesNothing) {
  EXPECT_EQ(bucket_.Wait(4, rate_, start_), 0);
  EXPECT_EQ(bucket_.Take(4, rate_, start_), 0);
}

TEST_F(TokenBucketTest, AClockThatGoesBackGivesNothing) {
  EXPECT_EQ(bucket_.Take(4, rate_, start_), 0);
  EXPECT_GT(bucket_.Take(1, rate_, start_ - std::chrono::hours(1)), 0);
  EXPECT_EQ(bucket_.Take(1, rate_, start_ + milliseconds(500)), 0);
}

TEST_F(TokenBucketTest, WithoutARateThereIsNoLimit) { EXPECT_EQ(bucket_.Take(1e9, {.per_second = 0, .burst = 1}, start_), 0); }

}  // namespace
}  // namespace vora
