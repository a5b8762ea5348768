#include "services/metadata/videos/page_token.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/core/ids.h"
#include "libs/testing/status_matchers.h"

namespace vora::metadata {
namespace {

using ::testing::HasSubstr;
const ListFilter kFilter = {"default", "READY", "cat"};

TEST(PageTokenTest, ComesBack) {
  const std::string id = NewId();
  EXPECT_EQ(*ParsePageToken(kFilter, MakePageToken(kFilter, id)), id);
  EXPECT_EQ(*ParsePageToken(kFilter, ""), "");
}

TEST(PageTokenTest, BelongsToItsQuery) {
  const std::string token = MakePageToken(kFilter, NewId());
  for (const ListFilter& other : {ListFilter{"other", "READY", "cat"}, ListFilter{"default", "", "cat"}, ListFilter{"default", "READY", ""},
                                  ListFilter{"default", "READYcat", ""}}) {
    const Status status = ParsePageToken(other, token).status();
    EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument));
    EXPECT_THAT(Message(status), HasSubstr("page_token: belongs to a list that asks for something else"));
  }
}

TEST(PageTokenTest, BrokenOnesAreNamed) {
  const std::string token = MakePageToken(kFilter, NewId());
  for (const std::string& broken : {std::string("x"), std::string("%%%"), token + "AA", token.substr(4), std::string(54, 'A')}) {
    const Status status = ParsePageToken(kFilter, broken).status();
    EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument)) << broken;
    EXPECT_THAT(Message(status), HasSubstr("page_token: not a token of this service"));
  }
}

}  // namespace
}  // namespace vora::metadata
