#include "services/cli/resume_store.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::cli {
namespace {

class ResumeStoreTest : public ::testing::Test {
 protected:
  ResumeStoreTest() { std::ofstream(folder_ / "clip.mp4") << "twelve bytes"; }
  const TempFolder temp_;
  const std::filesystem::path folder_ = temp_.path();
};

TEST_F(ResumeStoreTest, FindsAnUploadOfTheSameFileAtTheSameEndpointOnly) {
  const ResumeStore store(folder_ / "cache");
  auto file = IdentifyFile((folder_ / "clip.mp4").string());
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->size, 12);
  EXPECT_FALSE(store.Find(*file, "http://a/files/").has_value());
  store.Remember(*file, "http://a/files/", "http://a/files/1");
  EXPECT_EQ(store.Find(*file, "http://a/files/"), "http://a/files/1");
  EXPECT_FALSE(store.Find(*file, "http://b/files/").has_value());
  FileIdentity changed = *file;
  changed.modified_ns += 1;
  EXPECT_FALSE(store.Find(changed, "http://a/files/").has_value());
  store.Forget(*file, "http://a/files/");
  EXPECT_FALSE(store.Find(*file, "http://a/files/").has_value());
}

TEST_F(ResumeStoreTest, NamesWhatIsWrongWithAPath) {
  EXPECT_THAT(IdentifyFile((folder_ / "none.mp4").string()), StatusIs(StatusCode::kNotFound));
  const Status folder = IdentifyFile(folder_.string()).status();
  EXPECT_THAT(folder, StatusIs(StatusCode::kInvalidArgument));
  EXPECT_NE(Message(folder).find("not a regular file"), std::string::npos);
}

}  // namespace
}  // namespace vora::cli
