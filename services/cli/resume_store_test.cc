#include "services/cli/resume_store.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "libs/core/ids.h"
#include "libs/testing/status_matchers.h"

namespace vora::cli {
namespace {

class ResumeStoreTest : public ::testing::Test {
 protected:
  void SetUp() override {
    folder_ = std::filesystem::temp_directory_path() / ("vora-resume-" + NewId());
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "clip.mp4") << "twelve bytes";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::filesystem::path folder_;
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
