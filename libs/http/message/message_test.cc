#include "libs/http/message/message.h"

#include <gtest/gtest.h>

#include <limits>

#include <nlohmann/json.hpp>

#include "libs/http/message/response_head.h"

namespace vora::http {
namespace {

TEST(Headers, NamesCompareWithoutCase) {
  Headers headers;
  headers.Add("Set-Cookie", "a");
  headers.Add("set-cookie", "b");
  headers.Set("ETag", "1");
  headers.Set("etag", "2");
  EXPECT_EQ(headers.Get("SET-COOKIE"), "a");
  EXPECT_EQ(headers.Get("Etag"), "2");
  EXPECT_EQ(headers.all().size(), 3U);
  EXPECT_FALSE(headers.Has("Range"));
  EXPECT_EQ(headers.GetOr("Range", "none"), "none");
}

TEST(Request, TheFirstOfRepeatedQueryKeysCounts) {
  Request request;
  request.query = {{"a", "1"}, {"a", "2"}, {"b", ""}};
  EXPECT_EQ(request.Query("a"), "1");
  EXPECT_EQ(request.Query("b"), "");
  EXPECT_EQ(request.Query("c"), std::nullopt);
}

TEST(ErrorResponse, CarriesCodeMessageAndField) {
  const Response response = ErrorResponse(InvalidField("page_size", "must be from 1 to 100", "100"));
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.headers.Get("Content-Type"), "application/json");
  const auto error = nlohmann::json::parse(response.body)["error"];
  EXPECT_EQ(error["code"], "INVALID_ARGUMENT");
  EXPECT_EQ(error["reason"], "invalid_argument");
  EXPECT_EQ(error["message"], "page_size: must be from 1 to 100");
  EXPECT_EQ(error["field"], "page_size");
  EXPECT_EQ(error["limit"], "100");
}

TEST(ErrorResponse, AKindBringsItsStatusReasonAndCode) {
  const Response conflict = ErrorResponse(MakeError(errors::kOffsetConflict, "go on at 7", {.offset = 7}));
  EXPECT_EQ(conflict.status, 409);
  EXPECT_EQ(nlohmann::json::parse(conflict.body)["error"]["reason"], "offset_conflict");
  EXPECT_EQ(nlohmann::json::parse(conflict.body)["error"]["code"], "OFFSET_CONFLICT");
  const Response expired = ErrorResponse(MakeError(errors::kTokenExpired, "the token has expired"));
  EXPECT_EQ(expired.status, 401);
  EXPECT_EQ(nlohmann::json::parse(expired.body)["error"]["reason"], "token_expired");
  EXPECT_EQ(nlohmann::json::parse(expired.body)["error"]["code"], "UNAUTHENTICATED");
  EXPECT_EQ(ErrorResponse(MakeError(errors::kDraining, "x", {.retry_after = 2})).headers.Get("Retry-After"), "2");
}

TEST(ErrorResponse, StatusOfEachCode) {
  EXPECT_EQ(ErrorResponse(NotFound("x")).status, 404);
  EXPECT_EQ(ErrorResponse(AlreadyExists("x")).status, 409);
  EXPECT_EQ(ErrorResponse(FailedPrecondition("x")).status, 409);
  EXPECT_EQ(ErrorResponse(Aborted("x")).status, 409);
  EXPECT_EQ(ErrorResponse(Unauthenticated("x")).status, 401);
  EXPECT_EQ(ErrorResponse(PermissionDenied("x")).status, 403);
  EXPECT_EQ(ErrorResponse(ResourceExhausted("x")).status, 429);
  EXPECT_EQ(ErrorResponse(DeadlineExceeded("x")).status, 504);
  EXPECT_EQ(ErrorResponse(Unimplemented("x")).status, 501);
  EXPECT_EQ(ErrorResponse(Unavailable("x")).status, 503);
  EXPECT_EQ(ErrorResponse(Unavailable("x")).headers.Get("Retry-After"), "1");
}

TEST(ErrorResponse, ServerFaultsTellNothingOfTheInside) {
  const Response response = ErrorResponse(Internal("password=hunter2 at db.cc:7"));
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body.find("hunter2"), std::string::npos);
}

TEST(ErrorResponse, BytesThatAreNotUtf8DoNotThrow) { EXPECT_EQ(ErrorResponse(InvalidArgument("bad \xff name")).status, 400); }

struct RangeCase {
  const char* header;
  int64_t size;
  const char* want;  // "200", "416" or first-last
};

TEST(ParseRange, Table) {
  const RangeCase cases[] = {
      {"bytes=0-0", 10, "0-0"},
      {"bytes=0-", 10, "0-9"},
      {"bytes=3-5", 10, "3-5"},
      {"bytes=3-500", 10, "3-9"},
      {"bytes=-3", 10, "7-9"},
      {"bytes=-30", 10, "0-9"},
      {"Bytes = 1-2", 10, "1-2"},
      {"bytes=9-9", 10, "9-9"},
      {"bytes=10-", 10, "416"},
      {"bytes=10-12", 10, "416"},
      {"bytes=-0", 10, "416"},
      {"bytes=0-", 0, "416"},
      {"bytes=-5", 0, "416"},
      {"bytes=5-3", 10, "200"},
      {"bytes=0-1,3-4", 10, "200"},
      {"bytes=", 10, "200"},
      {"bytes=-", 10, "200"},
      {"bytes=a-b", 10, "200"},
      {"bytes=1 2-3", 10, "200"},
      {"bytes=+1-3", 10, "200"},
      {"bytes=--3", 10, "200"},
      {"lines=0-1", 10, "200"},
      {"", 10, "200"},
      {"bytes=0-99999999999999999999999", 10, "0-9"},
      {"bytes=99999999999999999999999-", 10, "416"},
      {"bytes=-99999999999999999999999", 10, "0-9"},
      {"bytes=0-9223372036854775807", std::numeric_limits<int64_t>::max(), "0-9223372036854775806"},
  };
  for (const RangeCase& c : cases) {
    const auto range = ParseRange(c.header, c.size);
    std::string got = "200";
    if (range) got = *range ? std::to_string((*range)->first) + "-" + std::to_string((*range)->last) : "416";
    EXPECT_EQ(got, c.want) << c.header << " of " << c.size;
  }
}

TEST(EtagMatches, WeakComparisonOverAList) {
  EXPECT_TRUE(EtagMatches("*", "\"a\""));
  EXPECT_TRUE(EtagMatches("\"a\"", "\"a\""));
  EXPECT_TRUE(EtagMatches("W/\"a\"", "\"a\""));
  EXPECT_TRUE(EtagMatches("\"x\" , W/\"a\"", "W/\"a\""));
  EXPECT_TRUE(EtagMatches("\"b,c\", \"a\"", "\"b,c\""));
  EXPECT_TRUE(EtagMatches("\"a\"", "a"));
  EXPECT_FALSE(EtagMatches("\"A\"", "\"a\""));
  EXPECT_FALSE(EtagMatches("\"a", "\"a\""));
  EXPECT_FALSE(EtagMatches("", "\"a\""));
  EXPECT_FALSE(EtagMatches(",,", "\"a\""));
  EXPECT_FALSE(EtagMatches("\"b,c\"", "\"c\""));
}

TEST(SerializeHead, FramingIsOursAndValuesCannotBeginAHeader) {
  Response head = Response::Empty(200);
  head.headers.Add("Content-Length", "7");
  head.headers.Add("X-Name", "a\r\nX-Evil: 1");
  head.headers.Add("X-Odd\r\nX-Evil", "2");
  head.headers.Add("X-Evil: 3\r\n\r\n", "body");
  head.headers.Add("", "4");
  const std::string text = SerializeHead(head, {Framing::kLength, 3, false, false});
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\nDate: "));
  EXPECT_NE(text.find("\r\nX-Name: aX-Evil: 1\r\n"), std::string::npos);
  EXPECT_NE(text.find("\r\nContent-Length: 3\r\n"), std::string::npos);
  EXPECT_EQ(text.find("Content-Length: 7"), std::string::npos);
  EXPECT_EQ(text.find("\nX-Evil"), std::string::npos);
  EXPECT_EQ(text.find("X-Odd"), std::string::npos);
  EXPECT_EQ(text.find("\r\n:"), std::string::npos);
  EXPECT_NE(text.find("\r\nConnection: close\r\n"), std::string::npos);
  EXPECT_TRUE(text.ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace vora::http
