#include "libs/core/error.h"

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vora {
namespace {

std::string SourceFile(const std::string& path) {
  const char* root = std::getenv("VORA_SOURCE_DIR");
  return std::string(root == nullptr ? "." : root) + "/" + path;
}

using ::testing::HasSubstr;

TEST(ErrorTest, ADetailTravelsWithTheStatus) {
  const Status status = InvalidField("title", "at most 200 characters, got 201", "200 characters");
  EXPECT_EQ(ToText(status), "INVALID_ARGUMENT: title: at most 200 characters, got 201");
  EXPECT_EQ(DetailOf(status).reason, "invalid_argument");
  EXPECT_EQ(DetailOf(status).field, "title");
  EXPECT_EQ(DetailOf(status).limit, "200 characters");
  EXPECT_EQ(DetailOf(Annotate(status, "video")).field, "title") << "a context takes nothing away";
}

TEST(ErrorTest, AKindGivesCodeAndReason) {
  const Status status = MakeError(errors::kOffsetConflict, "go on at 7", {.field = "Upload-Offset", .offset = 7});
  EXPECT_EQ(status.code(), StatusCode::kAborted);
  EXPECT_TRUE(IsError(status, errors::kOffsetConflict));
  EXPECT_FALSE(IsError(status, errors::kUploadLocked));
  EXPECT_EQ(DetailOf(status).offset, 7);
  ASSERT_NE(FindErrorKind("offset_conflict"), nullptr);
  EXPECT_EQ(FindErrorKind("offset_conflict")->http_status, 409);
  EXPECT_EQ(FindErrorKind("no_such_reason"), nullptr);
}

TEST(ErrorTest, WithoutADetailTheCodeIsTheReason) {
  EXPECT_EQ(DetailOf(NotFound("x")).reason, "not_found");
  EXPECT_EQ(DetailOf(NotFound("x")).offset, std::nullopt);
  EXPECT_EQ(DetailOf(Status()).reason, "");
  EXPECT_TRUE(WithDetail(Status(), {.field = "f"}).ok());
}

TEST(ErrorTest, AFieldThatAClientChoseCannotForgeTheRest) {
  const ErrorDetail detail = DetailOf(InvalidField("a\nb", "wrong"));
  EXPECT_EQ(detail.field, "a?b");
  EXPECT_EQ(detail.limit, "");
}

// The catalogue is a list beside the kinds: one that is forgotten there would answer with the status of its code alone.
TEST(ErrorTest, TheCatalogueHasEveryKindThatIsDeclared) {
  std::ifstream header(SourceFile("libs/core/error.h"));
  ASSERT_TRUE(header);
  int declared = 0;
  for (std::string line; std::getline(header, line);) {
    if (line.find("constexpr ErrorKind k") == std::string::npos) continue;
    const size_t begin = line.find("{\"") + 2;
    const std::string reason = line.substr(begin, line.find('"', begin) - begin);
    EXPECT_NE(FindErrorKind(reason), nullptr) << reason << " is not in kKinds";
    ++declared;
  }
  EXPECT_EQ(declared, ErrorKindCount());
}

// docs/errors.md has a row `| reason | CODE | HTTP | ...` for each kind, and for nothing else.
TEST(ErrorTest, TheDocumentListsEveryKind) {
  std::ifstream file(SourceFile("docs/errors.md"));
  ASSERT_TRUE(file) << "docs/errors.md";
  int rows = 0;
  std::set<std::string> seen;
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("| `", 0) != 0) continue;
    const std::string reason = line.substr(3, line.find('`', 3) - 3);
    const ErrorKind* kind = FindErrorKind(reason);
    ASSERT_NE(kind, nullptr) << line;
    EXPECT_TRUE(seen.insert(reason).second) << reason << " stands there twice";
    EXPECT_THAT(line, HasSubstr("| " + absl::StatusCodeToString(kind->code) + " | " + std::to_string(kind->http_status) + " |"));
    ++rows;
  }
  EXPECT_EQ(rows, ErrorKindCount());
}

}  // namespace
}  // namespace vora
