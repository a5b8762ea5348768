#include "services/metadata/videos/video_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/testing/status_matchers.h"

namespace vora::metadata {
namespace {

using ::testing::HasSubstr;

std::string Repeat(const std::string& text, size_t times) {
  std::string all;
  for (size_t i = 0; i < times; ++i) all += text;
  return all;
}

void ExpectInvalid(const Status& status, const std::string& field, const std::string& part) {
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument));
  EXPECT_EQ(DetailOf(status).field, field);
  EXPECT_THAT(Message(status), HasSubstr(part));
}

TEST(VideoFieldsTest, LimitsCountCharactersNotBytes) {
  EXPECT_THAT(CheckTitle(Repeat("ä", 200)), IsOk());
  ExpectInvalid(CheckTitle(Repeat("ä", 201)), "title", "at most 200 characters, got 201");
  EXPECT_THAT(CheckDescription(Repeat("字", 5000)), IsOk());
  ExpectInvalid(CheckDescription(Repeat("字", 5001)), "description", "at most 5000 characters, got 5001");
}

TEST(VideoFieldsTest, ControlCharactersAndBrokenUtf8AreRefused) {
  ExpectInvalid(CheckTitle(std::string("a\0b", 3)), "title", "control characters");
  ExpectInvalid(CheckTitle("a\nb"), "title", "control characters");
  EXPECT_THAT(CheckDescription("line\nline\ttab"), IsOk());
  for (const char* broken : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xe4\xb8", "\xf4\x90\x80\x80", "\x80"}) {
    ExpectInvalid(CheckTitle(broken), "title", "not valid UTF-8");
  }
}

TEST(VideoFieldsTest, PageSizes) {
  EXPECT_EQ(*CheckPageSize(0), 50);
  EXPECT_EQ(*CheckPageSize(1), 1);
  EXPECT_EQ(*CheckPageSize(200), 200);
  ExpectInvalid(CheckPageSize(201).status(), "page_size", "1 to 200, got 201");
  ExpectInvalid(CheckPageSize(-1).status(), "page_size", "1 to 200, got -1");
}

TEST(VideoFieldsTest, TitlesOfUploads) {
  EXPECT_EQ(TitleOfUpload({{"title", "My cat"}, {"filename", "a.mp4"}}), "My cat");
  EXPECT_EQ(TitleOfUpload({{"filename", "/tmp/holiday 2026.mp4"}}), "holiday 2026");
  EXPECT_EQ(TitleOfUpload({{"filename", "C:\\films\\one.two.webm"}}), "one.two");
  EXPECT_EQ(TitleOfUpload({{"filename", ".mp4"}}), ".mp4");
  EXPECT_EQ(TitleOfUpload({}), "Untitled");
  EXPECT_EQ(TitleOfUpload({{"title", std::string("a\0\xff"
                                                 "b",
                                                 4)}}),
            "a??b");
  EXPECT_EQ(*CountCodePoints(TitleOfUpload({{"title", Repeat("ü", 300)}})), 200u);
  EXPECT_EQ(FilenameOfUpload({{"filename", "../../etc/passwd"}}), "passwd");
}

TEST(VideoFieldsTest, LabelsOfUploads) {
  EXPECT_EQ(LabelsOfUpload({{"label.season", "2"}, {"title", "x"}, {"label.no space", "y"}, {"label.long", Repeat("x", 256)}}),
            (Labels{{"season", "2"}}));
}

}  // namespace
}  // namespace vora::metadata
