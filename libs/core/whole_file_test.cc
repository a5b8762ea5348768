#include "libs/core/whole_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora {
namespace {

using ::testing::HasSubstr;

std::string ReadBack(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

TEST(WholeFileTest, IsWrittenWithItsFoldersAndReplaced) {
  const TempFolder folder;
  const std::string path = folder / "a/b/file";
  ASSERT_THAT(WriteWholeFile(path, "one", 0600), IsOk());
  EXPECT_EQ(ReadBack(path), "one");
  struct stat there {};
  ASSERT_EQ(::stat(path.c_str(), &there), 0);
  EXPECT_EQ(there.st_mode & 0777u, 0600u);
  ASSERT_THAT(WriteWholeFile(path, "the second"), IsOk());
  EXPECT_EQ(ReadBack(path), "the second");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
}

TEST(WholeFileTest, SaysWhatCannotBeDone) {
  const TempFolder folder;
  ASSERT_THAT(WriteWholeFile(folder / "file", "x"), IsOk());
  const Status under = WriteWholeFile(folder / "file/below", "x");
  EXPECT_THAT(under, StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(Message(under), HasSubstr("file"));
}

}  // namespace
}  // namespace vora
