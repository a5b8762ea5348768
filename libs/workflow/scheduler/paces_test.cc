#include "libs/workflow/scheduler/paces.h"

#include <gtest/gtest.h>

namespace vora::workflow::scheduler {
namespace {

TEST(Paces, AreMediansOfWhatWasDoneLately) {
  Paces paces;
  paces.Ended("quick", 1, 10, 10);
  paces.Ended("quick", 2, 10, 20);
  EXPECT_EQ(paces.Usual(), 0) << "two say little";
  paces.Ended("slow", 3, 10, 90);
  EXPECT_EQ(paces.Usual(), 2);
  EXPECT_EQ(paces.Of("slow"), 9);
  EXPECT_EQ(paces.Of("new"), 0);
  for (int i = 0; i < 1000; ++i) paces.Ended("quick", 10 + i, 10, 30);
  EXPECT_EQ(paces.Usual(), 3);
  EXPECT_EQ(paces.Of("slow"), 0) << "long ago";
}

TEST(Paces, PartsThatEndedEarlyCountWithTheirAttempt) {
  Paces paces;
  for (int64_t lease = 1; lease <= 3; ++lease) {
    paces.PartEnded(lease, 4);
    paces.PartEnded(lease, 4);
    paces.Ended("w", lease, 2, 20);
  }
  EXPECT_EQ(paces.Usual(), 2);
  paces.Ended("w", 1, 2, 20);
  EXPECT_EQ(paces.Of("w"), 2) << "the lease has ended, and its parts with it";
  paces.Ended("w", 5, 0, 20);
  EXPECT_EQ(paces.Of("w"), 2) << "what costs nothing tells nothing";
}

}  // namespace
}  // namespace vora::workflow::scheduler
