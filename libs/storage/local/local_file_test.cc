#include "libs/storage/local/local_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::storage {
namespace {

namespace fs = std::filesystem;

using OpenFunction = StatusOr<UniqueFd> (*)(int, const std::string&, int, unsigned);

// Both ways of opening a path below a root keep the same rules.
class OpenBelow : public testing::TestWithParam<OpenFunction> {
 protected:
  OpenBelow() {
    fs::create_directories(directory_ / "root" / "a" / "b");
    root_ = UniqueFd(::open((directory_ / "root").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
  StatusCode Open(const std::string& path, int flags) { return GetParam()(root_.get(), path, flags, 0666).status().code(); }
  const TempFolder temp_;
  const fs::path directory_ = temp_.path();
  UniqueFd root_;
};

TEST_P(OpenBelow, FindsAndMakesFiles) {
  EXPECT_EQ(Open("a/b/file", O_RDONLY), StatusCode::kNotFound);
  EXPECT_EQ(Open("a/b/file", O_WRONLY | O_CREAT | O_EXCL), StatusCode::kOk);
  EXPECT_EQ(Open("a/b/file", O_WRONLY | O_CREAT | O_EXCL), StatusCode::kAlreadyExists);
  EXPECT_EQ(Open("a/b/file", O_RDONLY), StatusCode::kOk);
  EXPECT_EQ(Open("./a", O_RDONLY | O_DIRECTORY), StatusCode::kOk);
  EXPECT_EQ(Open(".", O_RDONLY | O_DIRECTORY), StatusCode::kOk);
  EXPECT_EQ(Open("a/b/file/below", O_RDONLY), StatusCode::kNotFound);
}

TEST_P(OpenBelow, FollowsNoLinks) {
  fs::create_directories(directory_ / "outside");
  fs::create_directory_symlink(directory_ / "outside", directory_ / "root" / "folder-link");
  fs::create_directory_symlink(directory_ / "root" / "a", directory_ / "root" / "inner-link");
  fs::create_symlink("/etc/passwd", directory_ / "root" / "file-link");
  for (const char* path : {"folder-link/x", "inner-link/x", "file-link", "a/../file-link"}) {
    EXPECT_NE(Open(path, O_WRONLY | O_CREAT), StatusCode::kOk) << path;
  }
  EXPECT_NE(Open("inner-link", O_RDONLY | O_DIRECTORY), StatusCode::kOk);
  EXPECT_TRUE(fs::is_empty(directory_ / "outside"));
}

INSTANTIATE_TEST_SUITE_P(Ways, OpenBelow,
                         testing::Values(static_cast<OpenFunction>(&OpenBeneath),
                                         static_cast<OpenFunction>([](int root, const std::string& path, int flags, unsigned mode) {
                                           return OpenByComponents(root, path, flags, mode);
                                         })));

TEST(MakeFoldersTest, MakesWhatIsMissing) {
  const TempFolder temp;
  const fs::path directory = temp.path();
  UniqueFd root(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (int i = 0; i < 2; ++i) {
    auto made = MakeFolders(root.get(), "x/y/z");
    ASSERT_THAT(made, IsOk());
  }
  EXPECT_TRUE(fs::is_directory(directory / "x" / "y" / "z"));
  fs::create_directory_symlink("/tmp", directory / "link");
  EXPECT_THAT(MakeFolders(root.get(), "link/new"), ::testing::Not(IsOk()));
  EXPECT_THAT(RemoveTree(root.get(), "x"), IsOk());
  EXPECT_THAT(RemoveTree(root.get(), "x"), IsOk());
  EXPECT_FALSE(fs::exists(directory / "x"));
}

}  // namespace
}  // namespace vora::storage
