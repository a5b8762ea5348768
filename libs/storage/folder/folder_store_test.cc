#include "libs/storage/folder/folder_store.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::storage {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FolderStoreTest : public ::testing::Test {
 protected:
  void Write(const std::string& name, const std::string& text) {
    const fs::path path = folder_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
  }
  std::vector<std::string> Keys(const std::string& prefix, int page_size, std::vector<std::string>* unusable = nullptr) {
    std::vector<std::string> keys;
    std::string token;
    do {
      const auto page = store_.List(prefix, token, page_size);
      EXPECT_THAT(page, IsOk());
      if (!page.ok()) break;
      EXPECT_LE(page->objects.size() + page->unusable.size(), static_cast<size_t>(page_size));
      for (const auto& object : page->objects) keys.push_back(object.key);
      for (const auto& bad : page->unusable) {
        if (unusable != nullptr) unusable->push_back(bad.key + ": " + bad.reason);
      }
      token = page->next_token;
    } while (!token.empty());
    return keys;
  }

  TempFolder folder_;
  FolderStore store_{folder_.path()};
};

TEST_F(FolderStoreTest, ReadsWholeFilesAndRanges) {
  Write("films/a b.mkv", "0123456789");
  const auto info = store_.Head("films/a b.mkv");
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->size, 10);
  EXPECT_GT(info->modified_unix_ms, 0);
  EXPECT_EQ(*store_.Get("films/a b.mkv"), "0123456789");
  const auto reader = store_.Open("films/a b.mkv", 3, 4);
  ASSERT_THAT(reader, IsOk());
  EXPECT_EQ((*reader)->info().etag, info->etag);
  char buffer[16] = {};
  EXPECT_EQ(*(*reader)->Read(buffer, sizeof buffer), 4u);
  EXPECT_EQ(std::string(buffer, 4), "3456");
  EXPECT_EQ(*(*reader)->Read(buffer, sizeof buffer), 0u);
  EXPECT_THAT(store_.Open("films/a b.mkv", 11, -1), StatusIs(StatusCode::kOutOfRange));
  EXPECT_THAT(store_.Head("films/b.mkv"), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(store_.Head("films"), StatusIs(StatusCode::kNotFound)) << "a folder is no file";
  for (const char* bad : {"../x", "/etc/passwd", "films//a", ""})
    EXPECT_THAT(store_.Head(bad), StatusIs(StatusCode::kInvalidArgument)) << bad;
}

TEST_F(FolderStoreTest, AFileThatChangesIsNeverHalfRead) {
  Write("a.mkv", std::string(1000, 'a'));
  const auto reader = store_.Open("a.mkv", 0, -1);
  ASSERT_THAT(reader, IsOk());
  std::string buffer(500, '\0');
  ASSERT_THAT((*reader)->Read(buffer.data(), buffer.size()), IsOk());
  const std::string before = (*reader)->info().etag;
  Write("a.mkv", std::string(1001, 'b'));
  EXPECT_THAT((*reader)->Read(buffer.data(), buffer.size()), StatusIs(StatusCode::kAborted, HasSubstr("changed while it was read")));
  EXPECT_NE(store_.Head("a.mkv")->etag, before);
}

TEST_F(FolderStoreTest, ListsInKeyOrderInPagesOfAnySize) {
  std::set<std::string> expected;
  for (const char* name : {"a", "a.b/c", "a/b", "a/b.x/y/z", "b/1", "b/2", "ä/ö", "c d/e", "zz"}) {
    // `a` cannot be a file and a folder.
    if (std::string(name) == "a") continue;
    Write(name, "x");
    expected.insert(name);
  }
  Write(".hidden", "x");
  Write("b/.part", "x");
  Write(".trash/film.mkv", "x");
  const std::vector<std::string> in_order(expected.begin(), expected.end());
  for (int size : {1, 2, 3, 100}) EXPECT_EQ(Keys("", size), in_order) << size;
  EXPECT_THAT(Keys("a/", 2), ElementsAre("a/b", "a/b.x/y/z"));
  EXPECT_THAT(Keys("b/2", 2), ElementsAre("b/2"));
  EXPECT_THAT(Keys("nothing", 2), ElementsAre());
}

TEST_F(FolderStoreTest, GoesOnWhereAPageEndedAlsoAsAnotherProcess) {
  for (int i = 0; i < 9; ++i) Write("f/" + std::to_string(i), "x");
  const auto first = store_.List("", "", 4);
  FolderStore other(folder_.path());
  const auto second = other.List("", first->next_token, 4);
  ASSERT_THAT(second, IsOk());
  EXPECT_EQ(second->objects.front().key, "f/4");
  // What comes in between is no reason to lose the place.
  Write("f/00", "x");
  fs::remove(folder_ / "f/8");
  const auto third = other.List("", second->next_token, 4);
  ASSERT_THAT(third, IsOk());
  EXPECT_TRUE(third->objects.empty());
  EXPECT_TRUE(third->next_token.empty());
  EXPECT_THAT(other.List("", "not base64!", 4), StatusIs(StatusCode::kInvalidArgument));
}

TEST_F(FolderStoreTest, WhatIsNoFileIsNamedAndNeverFollowed) {
  Write("a.mkv", "x");
  Write("sub/b.mkv", "x");
  fs::create_symlink("/etc", folder_ / "etc");
  fs::create_symlink("..", folder_ / "sub/loop");
  fs::create_symlink("a.mkv", folder_ / "link.mkv");
  ASSERT_EQ(::mkfifo((folder_ / "pipe.mkv").c_str(), 0600), 0);
  Write("bad\xff.mkv", "x");
  std::vector<std::string> unusable;
  EXPECT_THAT(Keys("", 2, &unusable), ElementsAre("a.mkv", "sub/b.mkv"));
  EXPECT_THAT(unusable, ElementsAre(HasSubstr("bad?.mkv: "), "etc: a symbolic link: these are not followed",
                                    "link.mkv: a symbolic link: these are not followed", "pipe.mkv: not a file",
                                    "sub/loop: a symbolic link: these are not followed"));
  EXPECT_THAT(store_.Head("link.mkv"), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(store_.Head("etc/passwd"), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(store_.Head("pipe.mkv"), StatusIs(StatusCode::kNotFound));
}

TEST_F(FolderStoreTest, AShareThatIsNotMountedIsAwayAndNotWithoutTheFile) {
  EXPECT_THAT(store_.Head("a.mkv"), StatusIs(StatusCode::kUnavailable, HasSubstr("mounted?")));
  FolderStore missing(folder_ / "missing");
  EXPECT_THAT(missing.Head("a.mkv"), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(missing.Ping(), StatusIs(StatusCode::kUnavailable));
  EXPECT_THAT(missing.List("", "", 10), StatusIs(StatusCode::kUnavailable));
  Write("b.mkv", "x");
  EXPECT_THAT(store_.Head("a.mkv"), StatusIs(StatusCode::kNotFound));
}

TEST_F(FolderStoreTest, NothingIsWritten) {
  Write("a.mkv", "x");
  EXPECT_THAT(store_.Put("b", "x", {}), StatusIs(StatusCode::kPermissionDenied, HasSubstr("only read")));
  EXPECT_THAT(store_.Delete("a.mkv"), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_THAT(store_.CreateMultipart("b", {}), StatusIs(StatusCode::kPermissionDenied));
  EXPECT_EQ(*store_.Get("a.mkv"), "x");
}

}  // namespace
}  // namespace vora::storage
