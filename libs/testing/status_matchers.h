#pragma once

// EXPECT_THAT(store.Ping(), IsOk()); EXPECT_THAT(key.status(), StatusIs(StatusCode::kNotFound, HasSubstr("no such"))).
// A value is a Status, a StatusOr, or the status of gRPC or protobuf; when a check fails it says what the status was.

#include <ostream>
#include <string>
#include <utility>

#include <gmock/gmock.h>

#include "libs/core/status.h"

namespace vora {

namespace status_internal {

inline const Status& StatusOf(const Status& status) { return status; }
template <typename T>
const Status& StatusOf(const StatusOr<T>& value) {
  return value.status();
}
// grpc::Status; its codes have the same numbers.
template <typename T>
requires requires(const T& value) { value.error_message(); }
Status StatusOf(const T& value) {
  return value.ok() ? Status() : Status(static_cast<StatusCode>(value.error_code()), value.error_message());
}

// The status of protobuf's own functions.
template <typename T>
requires requires(const T& value) { value.message().data(); }
Status StatusOf(const T& value) {
  return value.ok() ? Status() : Status(static_cast<StatusCode>(value.code()), std::string(value.message()));
}

class StatusMatcher {
 public:
  using is_gtest_matcher = void;
  StatusMatcher(::testing::Matcher<StatusCode> code, ::testing::Matcher<std::string> message)
      : code_(std::move(code)), message_(std::move(message)) {}
  template <typename T>
  bool MatchAndExplain(const T& value, std::ostream* out) const {
    const Status status = StatusOf(value);
    if (out != nullptr) *out << "which is " << status;
    return code_.Matches(status.code()) && message_.Matches(std::string(status.message()));
  }
  void DescribeTo(std::ostream* out) const {
    *out << "has a status whose code ";
    code_.DescribeTo(out);
    *out << " and whose message ";
    message_.DescribeTo(out);
  }
  void DescribeNegationTo(std::ostream* out) const {
    *out << "does not: ";
    DescribeTo(out);
  }

 private:
  const ::testing::Matcher<StatusCode> code_;
  const ::testing::Matcher<std::string> message_;
};

}  // namespace status_internal

inline status_internal::StatusMatcher IsOk() { return {StatusCode::kOk, ::testing::_}; }

inline status_internal::StatusMatcher StatusIs(::testing::Matcher<StatusCode> code,
                                               ::testing::Matcher<std::string> message = ::testing::_) {
  return {std::move(code), std::move(message)};
}

// EXPECT_THAT(store.Get(key), IsOkAndHolds("bytes"))
MATCHER_P(IsOkAndHolds, value_matcher, "") {
  if (!arg.ok()) {
    *result_listener << "which is " << arg.status();
    return false;
  }
  return ::testing::ExplainMatchResult(value_matcher, *arg, result_listener);
}

}  // namespace vora
