#include "libs/http/server/router.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/http/message/target.h"
#include "libs/testing/status_matchers.h"

namespace vora::http {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

class RouterTest : public ::testing::Test {
 protected:
  RouterTest() {
    const std::vector<std::pair<std::string, std::string>> routes = {
        {"GET", "/"},                       // 0
        {"GET", "/v1/videos"},              // 1
        {"POST", "/v1/videos"},             // 2
        {"GET", "/v1/videos/{id}"},         // 3
        {"GET", "/v1/videos/mine"},         // 4
        {"DELETE", "/v1/videos/{key}"},     // 5
        {"GET", "/assets/{rest*}"},         // 6
        {"*", "/files/{id}"},               // 7
        {"POST", "/files/"},                // 8
        {"GET", "/v/{id}/master.m3u8"},     // 9
        {"GET", "/v/{id}/{track}/{file}"},  // 10
        {"POST", "/v1/videos/{id}:scan"},   // 11
    };
    for (size_t i = 0; i < routes.size(); ++i) router_.Add(routes[i].first, routes[i].second, i);
  }
  Router::Match Find(const std::string& method, const std::string& path) {
    const auto target = ParseTarget(path);
    EXPECT_THAT(target, IsOk()) << path;
    return router_.Find(method, target->segments);
  }
  Router router_;
};

TEST_F(RouterTest, LiteralsBeatParametersBeatRest) {
  EXPECT_EQ(Find("GET", "/").index, 0U);
  EXPECT_EQ(Find("GET", "/v1/videos").index, 1U);
  EXPECT_EQ(Find("GET", "/v1/videos/mine").index, 4U);
  const auto match = Find("GET", "/v1/videos/a%2Fb?x=1");
  EXPECT_EQ(match.index, 3U);
  EXPECT_THAT(match.params, ElementsAre(Pair("id", "a/b")));
  EXPECT_THAT(Find("GET", "/assets/js/app.js").params, ElementsAre(Pair("rest", "js/app.js")));
  EXPECT_THAT(Find("GET", "/assets").params, ElementsAre(Pair("rest", "")));
  EXPECT_EQ(Find("GET", "/v/1/master.m3u8").index, 9U);
  EXPECT_THAT(Find("GET", "/v/1/720p/seg_0.m4s").params, ElementsAre(Pair("file", "seg_0.m4s"), Pair("id", "1"), Pair("track", "720p")));
}

TEST_F(RouterTest, AnActionStandsBehindItsParameter) {
  const auto match = Find("POST", "/v1/videos/a:b:scan");
  EXPECT_EQ(match.index, 11U);
  EXPECT_THAT(match.params, ElementsAre(Pair("id", "a:b")));
  EXPECT_EQ(Find("GET", "/v1/videos/a:scan").kind, Router::Match::Kind::kOtherMethod);
  EXPECT_EQ(Find("GET", "/v1/videos/:scan").index, 3U) << "nothing stands before it";
}

TEST_F(RouterTest, MethodsOfOnePathMayNameTheirParametersDifferently) {
  EXPECT_THAT(Find("DELETE", "/v1/videos/7").params, ElementsAre(Pair("key", "7")));
  const auto other = Find("PUT", "/v1/videos/7");
  EXPECT_EQ(other.kind, Router::Match::Kind::kOtherMethod);
  EXPECT_THAT(other.allowed, UnorderedElementsAre("GET", "DELETE", "HEAD"));
  EXPECT_EQ(other.params.size(), 1U) << "the log must know what stands in the path";
}

TEST_F(RouterTest, HeadFallsBackToGetAndStarTakesTheRest) {
  EXPECT_EQ(Find("HEAD", "/v1/videos").index, 1U);
  EXPECT_EQ(Find("PATCH", "/files/1").index, 7U);
  EXPECT_EQ(Find("POST", "/files").index, 8U);
  EXPECT_EQ(Find("POST", "/files/").index, 8U);
}

TEST_F(RouterTest, UnknownPaths) {
  EXPECT_EQ(Find("GET", "/v2").kind, Router::Match::Kind::kUnknownPath);
  EXPECT_EQ(Find("GET", "/v1").kind, Router::Match::Kind::kUnknownPath);
  EXPECT_EQ(Find("GET", "/v/1/2/3/4").kind, Router::Match::Kind::kUnknownPath);
}

TEST(ParseTarget, DecodesOnce) {
  const auto target = ParseTarget("/a%20b/%2541/?q=1+2&q=%26&empty&=x&&k=");
  ASSERT_THAT(target, IsOk());
  EXPECT_EQ(target->path, "/a b/%41/");
  EXPECT_EQ(target->raw_path, "/a%20b/%2541/");
  EXPECT_THAT(target->segments, ElementsAre("a b", "%41"));
  EXPECT_THAT(target->query, ElementsAre(Pair("", "x"), Pair("empty", ""), Pair("k", ""), Pair("q", "1 2"), Pair("q", "&")));
}

TEST(ParseTarget, Forms) {
  EXPECT_EQ(ParseTarget("http://host:1/a?b=c")->path, "/a");
  EXPECT_EQ(ParseTarget("http://host")->path, "/");
  EXPECT_EQ(ParseTarget("*")->path, "*");
  EXPECT_EQ(ParseTarget("/a?u=http://x/../y")->path, "/a");
  EXPECT_EQ(ParseTarget("/")->path, "/");
}

TEST(ParseTarget, RefusesWhatCouldEscape) {
  for (const char* bad : {"/..", "/a/../b", "/./a", "/a//b", "//a", "/%2e%2e/a", "/a%2f..%2fb", "/%2Fetc", "/a%2f", "/a%00", "/a%", "/a%2",
                          "/a%zz", "/a?b=%f", "a", "", "host:443", "/.%2e"}) {
    const auto target = ParseTarget(bad);
    EXPECT_THAT(target, StatusIs(StatusCode::kInvalidArgument)) << bad;
  }
}

}  // namespace
}  // namespace vora::http
