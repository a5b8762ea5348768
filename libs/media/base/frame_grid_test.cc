#include "libs/media/base/frame_grid.h"

#include <gtest/gtest.h>

#include <vector>

namespace vora::media {
namespace {

TEST(ChooseOutputRate, MeetsStandardRatesExactly) {
  EXPECT_EQ(ChooseOutputRate({30, 1}, {30, 1}), (Rate{30, 1}));
  EXPECT_EQ(ChooseOutputRate({30000, 1001}, {30000, 1001}), (Rate{30000, 1001}));
  EXPECT_EQ(ChooseOutputRate({2997, 100}, {30000, 1001}), (Rate{30000, 1001}));
  EXPECT_EQ(ChooseOutputRate({23976, 1000}, {24000, 1001}), (Rate{24000, 1001}));
  EXPECT_EQ(ChooseOutputRate({25, 1}, {0, 1}), (Rate{25, 1}));
}

TEST(ChooseOutputRate, BoundsTheRate) {
  EXPECT_EQ(ChooseOutputRate({120, 1}, {120, 1}), (Rate{60, 1}));
  EXPECT_EQ(ChooseOutputRate({240000, 1001}, {240000, 1001}), (Rate{60000, 1001}));
  EXPECT_EQ(ChooseOutputRate({144, 1}, {144, 1}), (Rate{48, 1}));
  EXPECT_EQ(ChooseOutputRate({1, 1}, {1, 1}), (Rate{5, 1}));
  EXPECT_EQ(ChooseOutputRate({0, 0}, {0, 0}), (Rate{30, 1}));
}

TEST(ChooseOutputRate, VariableRateGoesUpToTheNextStandardOne) {
  EXPECT_EQ(ChooseOutputRate({2780, 100}, {90000, 1}), (Rate{30000, 1001}));
  EXPECT_EQ(ChooseOutputRate({17, 1}, {1000, 1}), (Rate{20, 1}));
}

TEST(ChooseOutputRate, KeepsASteadyRateOfItsOwn) { EXPECT_EQ(ChooseOutputRate({1850, 100}, {1850, 100}), (Rate{18500, 1000})); }

// Which source frame each output frame shows, decoding from source frame `from`.
std::vector<int> Pick(const std::vector<double>& times, Rate rate, int64_t first, int64_t end, size_t from) {
  FrameGrid grid(rate, times[0], first, end);
  std::vector<int> shown;
  size_t k = from;
  for (; k + 1 < times.size() && !grid.done(); ++k) {
    const int64_t count = grid.FilledBefore(times[k + 1]);
    for (int64_t i = 0; i < count; ++i) shown.push_back(static_cast<int>(k));
    grid.Take(count);
  }
  while (!grid.done()) {
    shown.push_back(static_cast<int>(times.size() - 1));
    grid.Take(1);
  }
  return shown;
}

TEST(FrameGrid, SteadyRateIsOneToOneDespiteRounding) {
  std::vector<double> times;
  for (int i = 0; i < 10; ++i) times.push_back(0.083 + static_cast<double>(i * 1001 / 30) / 1000);
  EXPECT_EQ(Pick(times, {30000, 1001}, 0, 10, 0), (std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(FrameGrid, HalvesAndDoublesRates) {
  EXPECT_EQ(Pick({0, 1.0 / 60, 2.0 / 60, 3.0 / 60, 4.0 / 60, 5.0 / 60}, {30, 1}, 0, 3, 0).size(), 3U);
  EXPECT_EQ(Pick({0, 0.1, 0.2}, {20, 1}, 0, 6, 0), (std::vector<int>{0, 0, 1, 1, 2, 2}));
}

TEST(FrameGrid, ChoiceDoesNotDependOnWhereDecodingBegins) {
  const std::vector<double> times = {0, 0.03, 0.1, 0.11, 0.35, 0.36, 0.5, 0.9, 0.93, 1.4};
  const std::vector<int> whole = Pick(times, {25, 1}, 0, 40, 0);
  for (int64_t border = 1; border < 40; ++border) {
    const FrameGrid at({25, 1}, 0, border, 40);
    for (size_t from = 0; from < times.size() && times[from] <= at.NeedFrom(); ++from) {
      std::vector<int> joined = Pick(times, {25, 1}, 0, border, 0);
      const std::vector<int> rest = Pick(times, {25, 1}, border, 40, from);
      joined.insert(joined.end(), rest.begin(), rest.end());
      EXPECT_EQ(joined, whole) << "border " << border << " from " << from;
    }
  }
}

}  // namespace
}  // namespace vora::media
