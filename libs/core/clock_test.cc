#include "libs/core/clock.h"

#include <gtest/gtest.h>

namespace vora {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(ClockTest, FormatsRfc3339WithMilliseconds) {
  EXPECT_EQ(FormatRfc3339(SystemTime(milliseconds(1'700'000'000'123))), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(FormatRfc3339(SystemTime(seconds(0))), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(SystemTime(milliseconds(-1))), "1969-12-31T23:59:59.999Z");
}

TEST(ClockTest, FormatsTheHttpDateOfRfc9110) { EXPECT_EQ(FormatHttpDate(SystemTime(seconds(784111777))), "Sun, 06 Nov 1994 08:49:37 GMT"); }

TEST(ClockTest, FakeClockMovesOnlyWhenTold) {
  FakeClock clock;
  const auto start = clock.Now();
  EXPECT_EQ(clock.Now(), start);
  clock.Advance(milliseconds(1500));
  EXPECT_EQ(clock.Now() - start, milliseconds(1500));
}

}  // namespace
}  // namespace vora
