#include "services/orchestrator/workflows/done_ranges.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace vora::workflows {
namespace {

TEST(DoneRangesTest, AgreesWithASetOfIndices) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    DoneRanges ranges({});
    std::set<int> indices;
    for (int i = 0; i < 12; ++i) {
      const int first = static_cast<int>(random() % 40), count = static_cast<int>(random() % 6);
      ranges.Add("t", first, count);
      for (int at = first; at < first + count; ++at) indices.insert(at);
      for (int at = 0; at < 50; ++at) {
        for (int wide = 1; wide < 5; ++wide) {
          bool all = true;
          for (int k = at; k < at + wide; ++k) all = all && indices.contains(k);
          ASSERT_EQ(ranges.Has("t", at, wide), all) << round << " " << at << " " << wide;
        }
      }
    }
    EXPECT_FALSE(ranges.Has("other", 0, 1));
  }
}

}  // namespace
}  // namespace vora::workflows
