#include "libs/core/time.h"

#include <gtest/gtest.h>

namespace vora {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(TimeTest, NumbersAreRoundedDown) {
  EXPECT_EQ(ToUnixMs(SystemTime(std::chrono::microseconds(1'999))), 1);
  EXPECT_EQ(ToUnixMs(SystemTime(std::chrono::microseconds(-1))), -1);
  EXPECT_EQ(ToUnixSeconds(FromUnixMs(1'700'000'000'999)), 1'700'000'000);
  EXPECT_EQ(ToUnixMs(FromUnixSeconds(7)), 7'000);
}

TEST(TimeTest, FormatsRfc3339) {
  EXPECT_EQ(FormatRfc3339(FromUnixMs(1'700'000'000'123)), "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(FormatRfc3339(FromUnixMs(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatRfc3339(FromUnixMs(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatRfc3339Seconds(FromUnixMs(1'700'000'000'123)), "2023-11-14T22:13:20Z");
}

TEST(TimeTest, FormatsTheHttpDateOfRfc9110) {
  EXPECT_EQ(FormatHttpDate(FromUnixSeconds(784'111'777)), "Sun, 06 Nov 1994 08:49:37 GMT");
  EXPECT_EQ(FormatHttpDate(FromUnixSeconds(1'796'083'199)), "Mon, 30 Nov 2026 23:59:59 GMT");
}

TEST(TimeTest, FormatsTheBasicForm) { EXPECT_EQ(FormatIso8601Basic(FromUnixMs(1'700'000'000'999)), "20231114T221320Z"); }

TEST(TimeTest, ParsesRfc3339) {
  const struct {
    const char* text;
    int64_t unix_ms;
  } cases[] = {
      {"1970-01-01T00:00:00Z", 0},
      {"1969-12-31T23:59:59.999Z", -1},
      {"2023-11-14T22:13:20z", 1'700'000'000'000},
      {"2023-11-14t22:13:20.123456789Z", 1'700'000'000'123},
      {"2023-11-14T22:13:20.1239z", 1'700'000'000'123},
      {"2023-11-14T22:13:20.12345678901234567890123Z", 1'700'000'000'123},
      {"2023-11-14 19:43:20.5-02:30", 1'700'000'000'500},
      {"2023-11-14T23:13:20.5+01:00", 1'700'000'000'500},
      {"2024-02-29T12:00:00+00:00", 1'709'208'000'000},
      {"2016-12-31T23:59:60Z", 1'483'228'799'000},
      {"9999-12-31T23:59:59.999Z", 253'402'300'799'999},
  };
  for (const auto& expected : cases) {
    const auto time = ParseRfc3339(expected.text);
    ASSERT_TRUE(time) << expected.text;
    EXPECT_EQ(*time, expected.unix_ms) << expected.text;
  }
}

TEST(TimeTest, RefusesWhatIsNotRfc3339) {
  for (const char* bad : {"",
                          "now",
                          "infinite-future",
                          "2023",
                          "2023-11-14",
                          "2023-11-14T22:13Z",
                          "2023-11-14T22:13:20",
                          "2023-13-01T00:00:00Z",
                          "2023-02-29T00:00:00Z",
                          "2023-00-10T00:00:00Z",
                          "2023-11-14T24:00:00Z",
                          "2023-11-14T22:60:20Z",
                          "2023-11-14T22:13:61Z",
                          "2023-11-14T22:13:20.Z",
                          "2023-11-14T22:13:20+1:00",
                          "2023-11-14T22:13:20+25:00",
                          "2023-11-14T22:13:20+01:60",
                          "2023-11-14T22:13:20Zx",
                          " 2023-11-14T22:13:20Z",
                          "2023-11-14T22:13:20Z ",
                          "+023-11-14T22:13:20Z",
                          "-023-11-14T22:13:20Z",
                          "12023-11-14T22:13:20Z",
                          "2023-1-14T22:13:20Z",
                          "2023-11-14_22:13:20Z",
                          "2023-11-14T22:13:20 01:00"}) {
    EXPECT_FALSE(ParseRfc3339(bad)) << bad;
  }
}

}  // namespace
}  // namespace vora
