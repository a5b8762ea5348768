#include "libs/storage/roots.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "libs/storage/s3/s3_config.h"
#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::storage {
namespace {

using ::testing::HasSubstr;
using RootVariables = std::map<std::string, std::string>;

Getenv Given(RootVariables variables) {
  return [variables = std::move(variables)](const std::string& name) {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional<std::string>(found->second);
  };
}

TEST(Roots, OwnKeysGoBeforeAllOthers) {
  const RootVariables variables{{"VORA_S3_ACCESS_KEY", "all"},     {"VORA_S3_SECRET_KEY", "s"},
                                {"VORA_S3_SESSION_TOKEN", "t"},    {"VORA_S3_CA", "/ca"},
                                {"AWS_ACCESS_KEY_ID", "aws"},      {"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"},
                                {"VORA_S3_RAW_ACCESS_KEY", "raw"}, {"VORA_S3_RAW_SECRET_KEY", "rs"}};
  const Getenv raw = EnvironmentOf("RAW", Given(variables)), processed = EnvironmentOf("PROCESSED", Given(variables));
  EXPECT_EQ(raw("VORA_S3_ACCESS_KEY"), "raw");
  EXPECT_EQ(raw("VORA_S3_SECRET_KEY"), "rs");
  EXPECT_EQ(raw("VORA_S3_SESSION_TOKEN"), std::nullopt) << "a token belongs to its key";
  EXPECT_EQ(raw("AWS_ACCESS_KEY_ID"), std::nullopt);
  EXPECT_EQ(raw("VORA_S3_CA"), "/ca") << "what is no key is everybody's";
  EXPECT_EQ(raw("AWS_WEB_IDENTITY_TOKEN_FILE"), "/token");
  EXPECT_EQ(processed("VORA_S3_ACCESS_KEY"), "all");
  EXPECT_EQ(processed("VORA_S3_SESSION_TOKEN"), "t");
  EXPECT_EQ(processed("AWS_ACCESS_KEY_ID"), "aws");
}

TEST(Roots, ARoleOfItsOwnReplacesTheKeys) {
  const Getenv processed = EnvironmentOf("PROCESSED", Given({{"VORA_S3_ACCESS_KEY", "a"},
                                                             {"VORA_S3_SECRET_KEY", "s"},
                                                             {"VORA_S3_PROCESSED_ROLE_ARN", "arn:reader"},
                                                             {"AWS_ROLE_ARN", "arn:everything"},
                                                             {"AWS_WEB_IDENTITY_TOKEN_FILE", "/token"}}));
  const auto config = ParseS3Url("s3://media", processed);
  ASSERT_THAT(config, IsOk());
  EXPECT_EQ(config->keys.from, S3KeyConfig::From::kWebIdentity);
  EXPECT_EQ(config->keys.role_arn, "arn:reader");
}

Status Load(StorageSettings& settings, RootVariables variables) {
  SettingsSchema schema;
  settings.Declare(schema);
  return schema.Load(Given(std::move(variables)));
}

TEST(Roots, OnePlaceOrTwo) {
  const TempFolder folder;
  obs::Metrics metrics;
  const std::string a = "file://" + folder / "a", b = "file://" + folder / "b";
  StorageSettings both({Root::kRaw, Root::kProcessed});
  EXPECT_THAT(Load(both, {{"VORA_STORAGE", a}}), IsOk());
  EXPECT_TRUE(both.OneStore());
  StorageSettings split({Root::kRaw, Root::kProcessed});
  EXPECT_THAT(Load(split, {{"VORA_STORAGE", a}, {"VORA_STORAGE_PROCESSED", b}}), IsOk());
  EXPECT_FALSE(split.OneStore());
  EXPECT_EQ((*split.Open(Root::kRaw, metrics))->Describe(), a);
  EXPECT_EQ((*split.Open(Root::kProcessed, metrics))->Describe(), b);
  StorageSettings keys({Root::kRaw, Root::kProcessed});
  EXPECT_THAT(Load(keys, {{"VORA_STORAGE", "s3://media"}, {"VORA_S3_RAW_ACCESS_KEY", "a"}}), IsOk());
  EXPECT_FALSE(keys.OneStore()) << "one bucket, but not the same keys";
}

TEST(Roots, AMissingPlaceIsNamed) {
  StorageSettings nothing({Root::kRaw, Root::kProcessed}), half({Root::kRaw, Root::kProcessed}), gateway({Root::kProcessed}),
      wrong({Root::kRaw});
  EXPECT_THAT(Load(nothing, {}), StatusIs(StatusCode::kInvalidArgument, HasSubstr("VORA_STORAGE: is required")));
  EXPECT_THAT(Load(half, {{"VORA_STORAGE_RAW", "file:///a"}}),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("VORA_STORAGE: is required")));
  EXPECT_THAT(Load(gateway, {{"VORA_STORAGE_PROCESSED", "file:///a"}}), IsOk());
  EXPECT_THAT(Load(wrong, {{"VORA_STORAGE_RAW", "ftp://x"}}), IsOk());
  obs::Metrics metrics;
  EXPECT_THAT(wrong.Open(Root::kRaw, metrics), StatusIs(StatusCode::kInvalidArgument, HasSubstr("VORA_STORAGE_RAW: ")));
}

TEST(Roots, PrefixesLieInOneOfThem) {
  const TempFolder folder;
  obs::Metrics metrics;
  const auto a = *OpenObjectStore("file://" + folder / "a", metrics), b = *OpenObjectStore("file://" + folder / "b", metrics);
  const Stores stores(*a, *b);
  EXPECT_EQ(&stores.Of("processed/0190/"), b.get());
  for (const char* prefix : {"raw/0190/", "open/", "announce/", "probe/x", "processedx/"}) EXPECT_EQ(&stores.Of(prefix), a.get()) << prefix;
}

}  // namespace
}  // namespace vora::storage
