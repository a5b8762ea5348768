#include "services/transcode-worker/activities/speed_meter.h"

#include <gtest/gtest.h>

namespace vora::transcode {
namespace {

using std::chrono::seconds;

TEST(SpeedMeterTest, IsTheMediaOfTheLastMinuteOverTheTimeItTook) {
  const SpeedMeter::TimePoint start{seconds(1000)};
  SpeedMeter meter;
  EXPECT_EQ(meter.PerSecond(start), 0);
  meter.Add(4, start);
  EXPECT_DOUBLE_EQ(meter.PerSecond(start), 4);  // never over less than a second
  meter.Add(4, start + seconds(2));
  meter.Add(4, start + seconds(4));
  EXPECT_DOUBLE_EQ(meter.PerSecond(start + seconds(4)), 3);
  EXPECT_DOUBLE_EQ(meter.PerSecond(start + seconds(60)), 0.2);
  EXPECT_DOUBLE_EQ(meter.PerSecond(start + seconds(61)), 8.0 / 59);
  EXPECT_EQ(meter.PerSecond(start + seconds(200)), 0);
}

}  // namespace
}  // namespace vora::transcode
