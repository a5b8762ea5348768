#include "libs/core/status.h"

#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"

namespace vora {
namespace {

StatusOr<int> Half(int value) {
  if (value % 2 != 0) return InvalidArgument("odd");
  return value / 2;
}

StatusOr<int> Quarter(int value) {
  VORA_ASSIGN_OR_RETURN(const int half, Half(value));
  VORA_ASSIGN_OR_RETURN(const int quarter, Half(half));
  return quarter;
}

TEST(StatusTest, MacrosPassValuesAndErrorsOn) {
  ASSERT_THAT(Quarter(8), IsOk());
  EXPECT_EQ(*Quarter(8), 2);
  EXPECT_EQ(Quarter(6).status(), InvalidArgument("odd"));
}

TEST(StatusTest, TextNamesCodeAndMessage) {
  EXPECT_EQ(ToText(Unavailable("connection refused")), "UNAVAILABLE: connection refused");
  EXPECT_EQ(ToText(absl::OkStatus()), "OK");
}

TEST(StatusTest, AnnotateKeepsCodeAndLeavesOkAlone) {
  EXPECT_EQ(Annotate(NotFound("no row"), "video 7"), NotFound("video 7: no row"));
  EXPECT_THAT(Annotate(absl::OkStatus(), "x"), IsOk());
}

TEST(StatusTest, OnlyPassingFaultsAreTransient) {
  for (const auto& status : {Unavailable("x"), DeadlineExceeded("x"), ResourceExhausted("x"), Aborted("x")}) {
    EXPECT_TRUE(IsTransient(status)) << ToText(status);
  }
  for (const auto& status : {absl::OkStatus(), InvalidArgument("x"), NotFound("x"), AlreadyExists("x"), FailedPrecondition("x"),
                             DataLoss("x"), Internal("x"), Cancelled("x"), PermissionDenied("x"), Unimplemented("x")}) {
    EXPECT_FALSE(IsTransient(status)) << ToText(status);
  }
}

}  // namespace
}  // namespace vora
