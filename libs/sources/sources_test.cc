#include "libs/sources/sources.h"

#include <map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/core/error.h"
#include "libs/obs/metrics.h"
#include "libs/sources/pinned_file.h"
#include "libs/testing/status_matchers.h"

namespace vora::sources {
namespace {

using std::chrono::milliseconds;
using ::testing::HasSubstr;

Getenv Environment(std::map<std::string, std::string> variables) {
  return [variables = std::move(variables)](const std::string& name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
}

TEST(SourceSpecTest, ReadsNamesUrlsAndOptions) {
  const auto specs = ParseSources(
      " nas=file:///srv/films?import=direct&watch=5m&settle=0s&ladder=hd ; "
      "old-archive=s3://bucket/films?endpoint=http://10.0.0.1:9000&tenant=acme;",
      Environment({{"VORA_SOURCE_OLD_ARCHIVE_EVENTS_TOKEN", "t"}}));
  ASSERT_THAT(specs, IsOk());
  ASSERT_EQ(specs->size(), 2u);
  EXPECT_EQ((*specs)[0].name, "nas");
  EXPECT_EQ((*specs)[0].url, "file:///srv/films");
  EXPECT_EQ((*specs)[0].mode, ImportMode::kDirect);
  EXPECT_EQ((*specs)[0].watch, milliseconds(300'000));
  EXPECT_EQ((*specs)[0].settle, milliseconds(0));
  EXPECT_EQ((*specs)[0].ladder, "hd");
  EXPECT_EQ((*specs)[0].tenant, "default");
  EXPECT_EQ((*specs)[1].url, "s3://bucket/films?endpoint=http://10.0.0.1:9000");
  EXPECT_EQ((*specs)[1].mode, ImportMode::kCopy);
  EXPECT_EQ((*specs)[1].tenant, "acme");
  EXPECT_EQ((*specs)[1].events_token, "t");
  EXPECT_TRUE(ParseSources("", Environment({}))->empty());
}

TEST(SourceSpecTest, MistakesNameTheSource) {
  const std::pair<const char*, const char*> bad[] = {
      {"nas", "NAME=URL"},
      {"NAS=file:///x", "a-z 0-9 -"},
      {"nas=/srv", "file:/// or s3://"},
      {"nas=ftp://x", "file:/// or s3://"},
      {"nas=file:///x;nas=file:///y", "nas: the name occurs twice"},
      {"nas=file:///x?colour=red", "nas: unknown option `colour`"},
      {"nas=file:///x?import=move", "nas: import"},
      {"nas=file:///x?watch=soon", "nas: watch"},
      {"nas=file:///x?ladder=My%20ladder", "nas: ladder must be 1 to 32 of"},
      {"nas=file:///x?watch=", "nas: the option watch has no valid value"},
  };
  for (const auto& [text, part] : bad) {
    const auto specs = ParseSources(text, Environment({}));
    EXPECT_THAT(specs, StatusIs(StatusCode::kInvalidArgument, HasSubstr(part))) << text;
    EXPECT_EQ(DetailOf(specs.status()).field, "VORA_SOURCES");
  }
}

TEST(SourcesTest, EachHasItsOwnKeysAndBelongsToATenant) {
  obs::Metrics metrics;
  const std::string text = "archive=s3://bucket?endpoint=http://10.0.0.1:9000&tenant=acme;nas=file:///srv/films";
  const std::map<std::string, std::string> store = {{"VORA_S3_ACCESS_KEY", "a"}, {"VORA_S3_SECRET_KEY", "s"}};
  EXPECT_THAT(Sources::Open(text, Environment(store), metrics),
              StatusIs(StatusCode::kInvalidArgument, HasSubstr("archive: VORA_SOURCE_ARCHIVE_ACCESS_KEY must be set")));
  const auto sources =
      Sources::Open(text, Environment({{"VORA_SOURCE_ARCHIVE_ACCESS_KEY", "a"}, {"VORA_SOURCE_ARCHIVE_SECRET_KEY", "s"}}), metrics);
  ASSERT_THAT(sources, IsOk());
  EXPECT_EQ(sources->all().size(), 2u);
  EXPECT_THAT(sources->FindOf("acme", "archive"), IsOk());
  EXPECT_THAT(sources->FindOf("default", "nas"), IsOk());
  for (const auto& status : {sources->FindOf("default", "archive").status(), sources->Find("other").status()}) {
    EXPECT_THAT(status, StatusIs(StatusCode::kNotFound, HasSubstr("GET /v1/sources")));
  }
  EXPECT_THAT((*sources->Find("nas"))->store->Put("x", "y", {}), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT((*sources->Find("archive"))->store->Delete("x"), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(Sources::Open("nas=file://relative", Environment({}), metrics), StatusIs(StatusCode::kInvalidArgument));
}

TEST(PinnedFileTest, IsReadAsItWasWritten) {
  for (const PinnedFile& file : {PinnedFile{"nas", "films/a b?&#%.mkv", "12-3.4", 12}, PinnedFile{"s3", "ä/\"ö\".mp4", "a&size=7", 0}}) {
    const std::string text = FormatPinnedFile(file);
    EXPECT_TRUE(IsPinnedFile(text));
    const auto read = ParsePinnedFile(text);
    ASSERT_THAT(read, IsOk()) << text;
    EXPECT_EQ(read->source, file.source);
    EXPECT_EQ(read->key, file.key);
    EXPECT_EQ(read->etag, file.etag);
    EXPECT_EQ(read->size, file.size);
  }
  EXPECT_FALSE(IsPinnedFile("raw/u1/original"));
  for (const char* bad : {"raw/u1/original", "source://nas", "source://nas/a", "source://nas/?etag=a&size=1",
                          "source://nas/a?etag=b&size=-1", "source://nas/a?etag=b&size=x"}) {
    EXPECT_THAT(ParsePinnedFile(bad), StatusIs(StatusCode::kInvalidArgument)) << bad;
  }
}

}  // namespace
}  // namespace vora::sources
