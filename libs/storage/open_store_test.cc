#include "libs/storage/open_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::storage {
namespace {

using ::testing::HasSubstr;

std::string Place(const std::string& url) {
  return *PlaceOf(url, [](const std::string& name) { return name.ends_with("_KEY") ? std::optional<std::string>("k") : std::nullopt; });
}

TEST(PlaceOfTest, LinksAndSpellingsOfAFolderAreOnePlace) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "real");
  std::filesystem::create_directory_symlink(folder / "real", folder / "link");
  const std::string real = Place("file://" + folder / "real");
  for (const char* name : {"link", "link/", "./real/../link", "re%61l", "none/../real"})
    EXPECT_EQ(Place("file://" + folder / name), real) << name;
  EXPECT_EQ(Place("file://" + folder / "link/not/there/yet"), real + "/not/there/yet");
  EXPECT_FALSE(std::filesystem::exists(folder / "real/not")) << "nothing is made";
}

TEST(PlaceOfTest, APrefixLiesInsideItsBucket) {
  EXPECT_EQ(Place("s3://media?endpoint=http://host:9000"), "s3://host:9000/media");
  EXPECT_EQ(Place("s3://media/a/b/?endpoint=https://host:443&region=eu-1"), "s3://host/media/a/b");
  EXPECT_THAT(PlaceOf("ftp://host/x", nullptr), StatusIs(StatusCode::kInvalidArgument, HasSubstr("must begin with file:/// or s3://")));
}

}  // namespace
}  // namespace vora::storage
