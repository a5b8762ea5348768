#include "libs/core/priority.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"

namespace vora {
namespace {

TEST(PriorityTest, IsAWholeNumberWithinItsLimits) {
  for (const auto& [text, number] : {std::pair{"0", 0}, {"-1000", -1000}, {"1000", 1000}})
    EXPECT_THAT(ParsePriority(text), IsOkAndHolds(number));
  for (const char* text : {"", "high", "1.5", "1001", "-1001", "99999999999999999999", " 1", "1 "}) {
    EXPECT_THAT(ParsePriority(text).status(),
                StatusIs(StatusCode::kInvalidArgument, ::testing::HasSubstr("priority: must be a whole number from -1000 to 1000")))
        << text;
  }
}

}  // namespace
}  // namespace vora
