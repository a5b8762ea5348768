#include "libs/storage/s3/s3_config.h"

#include <gtest/gtest.h>

#include <map>

#include "libs/storage/s3/s3_client.h"
#include "libs/testing/status_matchers.h"

namespace vora::storage {
namespace {

StatusOr<S3Config> Parse(const std::string& url,
                         std::map<std::string, std::string> env = {{"VORA_S3_ACCESS_KEY", "id"}, {"VORA_S3_SECRET_KEY", "topsecret"}}) {
  return ParseS3Url(url, [&](const std::string& name) {
    auto found = env.find(name);
    return found == env.end() ? std::nullopt : std::optional<std::string>(found->second);
  });
}

TEST(S3Config, ParsesUrls) {
  auto config = Parse("s3://media/vora/prod/?endpoint=http://127.0.0.1:7480&region=eu-central-1");
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->bucket, "media");
  EXPECT_EQ(config->prefix, "vora/prod/");
  EXPECT_EQ(config->authority, "127.0.0.1:7480");
  EXPECT_FALSE(config->https);
  EXPECT_EQ(config->region, "eu-central-1");
  EXPECT_EQ(config->keys.fixed.access_key, "id");
  EXPECT_EQ(config->keys.fixed.secret_key, "topsecret");
}

TEST(S3Config, DefaultsToAws) {
  auto config = Parse("s3://media?region=eu-west-1", {{"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "b"}});
  ASSERT_THAT(config, IsOk());
  EXPECT_TRUE(config->https);
  EXPECT_EQ(config->authority, "s3.eu-west-1.amazonaws.com");
  EXPECT_EQ(config->prefix, "");
  EXPECT_EQ(config->keys.fixed.access_key, "a");
}

TEST(S3Config, LeavesTheDefaultPortOut) {
  EXPECT_EQ(Parse("s3://media?endpoint=https://s3.example.com:443/")->authority, "s3.example.com");
  EXPECT_EQ(Parse("s3://media?endpoint=http%3A%2F%2Fs3.example.com:80")->authority, "s3.example.com");
  EXPECT_EQ(Parse("s3://media?endpoint=http://s3.example.com:443")->authority, "s3.example.com:443");
}

TEST(S3Config, NamesMistakes) {
  const std::pair<const char*, const char*> kCases[] = {
      {"http://media", "s3://"},
      {"s3://", "bucket name"},
      {"s3://UPPER", "bucket name"},
      {"s3://a..b", "bucket name"},
      {"s3://media/../x", "prefix"},
      {"s3://media/a//b", "prefix"},
      {"s3://media?endpoint=ftp://x", "endpoint"},
      {"s3://media?endpoint=http://user:pw@host", "endpoint"},
      {"s3://media?endpoint=http://host/path", "endpoint"},
      {"s3://media?endpoint=", "endpoint"},
      {"s3://media?region=a%0Ab", "region"},
      {"s3://media?colour=red", "colour"},
  };
  for (const auto& [url, word] : kCases) {
    auto config = Parse(url);
    EXPECT_THAT(config, StatusIs(StatusCode::kInvalidArgument)) << url;
    EXPECT_NE(ToText(config.status()).find(word), std::string::npos) << ToText(config.status());
    EXPECT_EQ(ToText(config.status()).find("topsecret"), std::string::npos);
  }
  EXPECT_NE(ToText(Parse("s3://media", {}).status()).find("VORA_S3_ACCESS_KEY"), std::string::npos);
}

TEST(S3Status, Table) {
  auto error = [](const char* code) { return std::string("<Error><Code>") + code + "</Code></Error>"; };
  EXPECT_THAT(ToS3Status(503, error("SlowDown"), "x"), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(ToS3Status(503, "<html/>", "x"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(ToS3Status(500, error("InternalError"), "x"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(ToS3Status(400, error("RequestTimeout"), "x"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(ToS3Status(400, error("EntityTooSmall"), "x"), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ToS3Status(404, error("NoSuchBucket"), "x"), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(ToS3Status(404, error("NoSuchKey"), "x"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(ToS3Status(403, error("SignatureDoesNotMatch"), "x"), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(ToS3Status(403, error("RequestTimeTooSkewed"), "x"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(ToS3Status(301, "", "x"), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(ToS3Status(412, "", "x"), StatusIs(StatusCode::kAborted));
  EXPECT_THAT(ToS3Status(416, "", "x"), StatusIs(StatusCode::kOutOfRange));
  EXPECT_THAT(ToS3Status(429, "", "x"), StatusIs(StatusCode::kResourceExhausted));
  EXPECT_THAT(ToS3Status(501, "", "x"), StatusIs(StatusCode::kUnimplemented));
}

}  // namespace
}  // namespace vora::storage
