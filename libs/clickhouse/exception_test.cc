#include "libs/clickhouse/exception.h"

#include <gtest/gtest.h>

#include "libs/clickhouse/client.h"
#include "libs/testing/status_matchers.h"

namespace vora::clickhouse {
namespace {

TEST(Exception, CodesOfOldAndNewServers) {
  EXPECT_EQ(ExceptionCode("Code: 252, e.displayText() = DB::Exception: Too many parts (301)."), 252);
  EXPECT_EQ(ExceptionCode("Code: 60. DB::Exception: Table vora.x does not exist. (UNKNOWN_TABLE)"), 60);
  EXPECT_EQ(ExceptionCode("Code: 60"), std::nullopt);
  EXPECT_EQ(ExceptionCode("Code: x. DB::Exception"), std::nullopt);
  EXPECT_EQ(ExceptionCode("502 Bad Gateway"), std::nullopt);
}

TEST(Exception, WhatMayPass) {
  for (const int code : {60, 81, 164, 202, 209, 210, 236, 241, 242, 243, 252, 319, 394, 745, 1000}) {
    EXPECT_EQ(CodeOf(code), StatusCode::kUnavailable) << code;
  }
  EXPECT_EQ(CodeOf(159), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(CodeOf(395), StatusCode::kAborted);
  for (const int code : {16, 33, 47, 53, 62}) EXPECT_EQ(CodeOf(code), StatusCode::kInvalidArgument) << code;
  for (const int code : {1, 48, 516, 192}) EXPECT_EQ(CodeOf(code), StatusCode::kInternal) << code;
}

TEST(Exception, AnswersOfServersAndOfWhatStandsBeforeThem) {
  EXPECT_THAT(FromAnswer(500, "", "Code: 252. DB::Exception: Too many parts"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(FromAnswer(500, "241", "something else"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(FromAnswer(503, "", "<html>"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(FromAnswer(404, "", "no"), StatusIs(StatusCode::kInternal));
  EXPECT_LT(Message(FromAnswer(404, "", std::string(100'000, 'x'))).size(), 1000U);
}

TEST(Exception, BehindAnAnswerAlreadyUnderWay) {
  const std::string rows = "1\n2\n";
  EXPECT_EQ(FindLateException(rows + "Code: 241, e.displayText() = DB::Exception: Memory limit"), rows.size());
  EXPECT_EQ(FindLateException(rows + "Code: 241. DB::Exception: Memory limit"), rows.size());
  // What a viewer's player wrote into a field is no exception.
  EXPECT_EQ(FindLateException("{\"error\":\"Code: 241. DB::Exception: Memory limit\"}\n"), std::string::npos);
  EXPECT_EQ(FindLateException(""), std::string::npos);
}

TEST(Quote, EscapesWhatEndsALiteral) {
  EXPECT_EQ(Quote("it's"), "'it\\'s'");
  EXPECT_EQ(Quote("a\\"), "'a\\\\'");
  EXPECT_EQ(Quote(std::string("\0\n\r\t", 4)), "'\\0\\n\\r\\t'");
}

}  // namespace
}  // namespace vora::clickhouse
