#include "libs/media/base/frame_grid.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace vora::media {
namespace {

constexpr double kMinRate = 5;
constexpr double kMaxRate = 60;
constexpr std::array<Rate, 15> kStandard = {{{5, 1},
                                             {6, 1},
                                             {8, 1},
                                             {10, 1},
                                             {12, 1},
                                             {25, 2},
                                             {15, 1},
                                             {20, 1},
                                             {24000, 1001},
                                             {24, 1},
                                             {25, 1},
                                             {30000, 1001},
                                             {30, 1},
                                             {50, 1},
                                             {60000, 1001}}};

bool Known(Rate rate) { return rate.num > 0 && rate.den > 0; }

}  // namespace

bool operator==(const Rate& a, const Rate& b) { return static_cast<int64_t>(a.num) * b.den == static_cast<int64_t>(b.num) * a.den; }

Rate ChooseOutputRate(Rate average, Rate lowest_common) {
  double wanted = 0;
  bool constant = true;
  if (Known(average)) {
    wanted = average.per_second();
    // FFmpeg's lowest common rate is the one by which all timestamps can be told; where it is not the average, the rate varies.
    constant = !Known(lowest_common) || std::abs(lowest_common.per_second() / wanted - 1) < 0.02;
  } else if (Known(lowest_common)) {
    wanted = lowest_common.per_second();
  } else {
    return {30, 1};
  }
  // By a whole number, so that every nth source frame is shown: any other ratio would judder.
  if (wanted > kMaxRate * 1.001) wanted /= std::ceil(wanted / (kMaxRate * 1.001));
  Rate best = {60, 1};
  if (constant) {
    double distance = std::abs(60 - wanted);
    for (const Rate& rate : kStandard) {
      const double d = std::abs(rate.per_second() - wanted);
      if (d < distance) {
        distance = d;
        best = rate;
      }
    }
    if (distance / wanted < 0.004 || wanted < kMinRate) return best;
    // A steady rate of its own (say 12.34) is kept to a thousandth.
    return {static_cast<int>(std::lround(wanted * 1000)), 1000};
  }
  for (const Rate& rate : kStandard) {
    if (rate.per_second() >= wanted * 0.99) return rate;
  }
  return best;
}

FrameGrid::FrameGrid(Rate rate, double start_seconds, int64_t first, int64_t end)
    : rate_(rate), start_(start_seconds), next_(first), end_(end) {}

double FrameGrid::TimeOf(int64_t frame) const { return start_ + static_cast<double>(frame) * rate_.den / rate_.num; }

// Half an output frame later than its time, by the rule in the header: times rounded by a container must not change which frame is shown.
double FrameGrid::NeedFrom() const { return TimeOf(next_) + 0.5 * rate_.den / rate_.num; }

int64_t FrameGrid::FilledBefore(double seconds) const {
  int64_t filled = 0;
  const double half = 0.5 * rate_.den / rate_.num;
  while (next_ + filled < end_ && TimeOf(next_ + filled) + half < seconds) ++filled;
  return filled;
}

}  // namespace vora::media
