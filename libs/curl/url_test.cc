#include "libs/curl/url.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"

namespace vora::curl {
namespace {

using ::testing::HasSubstr;

TEST(UrlTest, TakesUrlsApart) {
  const auto url = ParseHttpUrl("https://Example.org:8443/a/b%20c?x=1#y");
  ASSERT_TRUE(url);
  EXPECT_TRUE(url->https);
  EXPECT_EQ(url->host, "example.org");
  EXPECT_EQ(url->port, 8443);
  EXPECT_EQ(url->authority, "example.org:8443");
  EXPECT_EQ(url->path, "/a/b%20c");
  EXPECT_TRUE(url->has_query && url->has_fragment);
  EXPECT_FALSE(url->has_user);
  EXPECT_TRUE(ParseHttpUrl("http://me@host/")->has_user);
  EXPECT_EQ(ParseHttpUrl("http://[::1]:8123")->authority, "[::1]:8123");
}

TEST(UrlTest, TheSchemesOwnPortIsNotPartOfTheAuthority) {
  EXPECT_EQ(ParseHttpUrl("https://s3.example:443/")->authority, "s3.example");
  EXPECT_EQ(ParseHttpUrl("http://s3.example:80")->authority, "s3.example");
  EXPECT_EQ(ParseHttpUrl("http://s3.example:443")->authority, "s3.example:443");
  EXPECT_EQ(ParseHttpUrl("http://s3.example:")->port, 80);
}

TEST(UrlTest, RefusesOthers) {
  for (const char* bad : {"",
                          "host",
                          "host:80",
                          "//host/",
                          "/path",
                          "ftp://host/",
                          "http:",
                          "http://",
                          "http:///path",
                          "https://:443/",
                          "http://ho st/",
                          "http://host:x/",
                          "http://host:65536/",
                          "http://host:0/",
                          "http://host/a b",
                          "http://host/a\"b",
                          "http://host/<a>",
                          "http://host/a\\b",
                          "http:/host/",
                          "https:host/",
                          "http://[::1/"}) {
    EXPECT_FALSE(ParseHttpUrl(bad)) << bad;
  }
}

TEST(UrlTest, KnowsThisMachine) {
  for (const char* local : {"http://localhost", "http://LOCALHOST:80/x", "https://127.0.0.1:1", "http://127.9.9.9/", "http://[::1]:9/",
                            "http://u:p@localhost/"}) {
    EXPECT_TRUE(ParseHttpUrl(local)->local) << local;
  }
  for (const char* elsewhere : {"http://localhost.example/", "http://127.0.0.1.example/", "http://127.example/",
                                "http://localhost@example.org/", "http://10.0.0.1/", "http://[::2]/", "http://example.org/localhost"}) {
    EXPECT_FALSE(ParseHttpUrl(elsewhere)->local) << elsewhere;
  }
}

TEST(UrlTest, ChecksTheAddressOfAServer) {
  EXPECT_THAT(CheckServerUrl("VORA_X", "https://host:1/base/"), IsOk());
  for (const char* bad : {"host:80", "https://me@host/", "https://host/?a=b", "https://host/#x", "ftp://host/", ""}) {
    EXPECT_THAT(CheckServerUrl("VORA_X", bad), StatusIs(StatusCode::kInvalidArgument, HasSubstr("VORA_X"))) << bad;
  }
}

TEST(UrlTest, ResolvesReferences) {
  EXPECT_EQ(ResolveUrl("http://h:1/files/", "http://o/x"), "http://o/x");
  EXPECT_EQ(ResolveUrl("http://h:1/files/", "/up/1"), "http://h:1/up/1");
  EXPECT_EQ(ResolveUrl("http://h:1/files/", "1"), "http://h:1/files/1");
  EXPECT_EQ(ResolveUrl("http://h:1/files/a", "../x?q"), "http://h:1/x?q");
  EXPECT_EQ(ResolveUrl("https://h/files/", "//o/x"), "https://o/x");
  EXPECT_EQ(ResolveUrl("127.0.0.1:8081/files/", "/files/1"), "http://127.0.0.1:8081/files/1");
  EXPECT_EQ(ResolveUrl("127.0.0.1:8081/files/", "https://h/files/1"), "https://h/files/1");
  EXPECT_EQ(ResolveUrl("not a url", "x"), std::nullopt);
  EXPECT_EQ(ResolveUrl("http://h/", "http://[x"), std::nullopt);
}

}  // namespace
}  // namespace vora::curl
