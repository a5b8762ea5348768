#include "services/metadata/api/console_files.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "libs/testing/temp_folder.h"

namespace vora::metadata {
namespace {

namespace fs = std::filesystem;

class ConsoleFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(base_ / "dist" / "assets");
    Write(base_ / "dist" / "index.html", "<p>hello");
    Write(base_ / "dist" / "assets" / "a.js", "1");
    Write(base_ / "secret", "secret");
    fs::create_symlink(base_ / "secret", base_ / "dist" / "assets" / "link");
  }
  static void Write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }
  StatusCode Code(const std::string& relative) { return ReadConsoleFile(base_ / "dist", relative).status().code(); }
  const TempFolder folder_;
  const fs::path base_ = folder_.path();
};

TEST_F(ConsoleFilesTest, ServesFilesWithAStrongTag) {
  const auto file = ReadConsoleFile(base_ / "dist", "index.html");
  ASSERT_THAT(file, IsOk());
  EXPECT_EQ(file->content, "<p>hello");
  EXPECT_EQ(file->etag.size(), 34u);
  Write(base_ / "dist" / "index.html", "<p>other");
  EXPECT_NE(ReadConsoleFile(base_ / "dist", "index.html")->etag, file->etag);
  EXPECT_EQ(ReadConsoleFile(base_ / "dist", "assets/a.js")->content, "1");
}

TEST_F(ConsoleFilesTest, NothingOutsideTheFolder) {
  for (const std::string& path : {std::string("../secret"), std::string("assets/../../secret"), std::string("/etc/passwd"),
                                  (base_ / "secret").string(), std::string("assets/link"), std::string(""), std::string("."),
                                  std::string("assets"), std::string("none"), std::string("index.html\0.js", 14)}) {
    EXPECT_EQ(Code(path), StatusCode::kNotFound) << path;
  }
  EXPECT_THAT(ReadConsoleFile(base_ / "nowhere", "index.html"), StatusIs(StatusCode::kNotFound));
}

TEST_F(ConsoleFilesTest, TheCompressedCopyForWhoTakesIt) {
  Write(base_ / "dist" / "index.html.gz", "packed");
  const auto packed = ReadConsoleFile(base_ / "dist", "index.html", true);
  ASSERT_THAT(packed, IsOk());
  EXPECT_EQ(packed->content, "packed");
  EXPECT_TRUE(packed->gzipped);
  EXPECT_NE(packed->etag, ReadConsoleFile(base_ / "dist", "index.html", false)->etag);
  EXPECT_FALSE(ReadConsoleFile(base_ / "dist", "assets/a.js", true)->gzipped) << "there is none";
  EXPECT_THAT(ReadConsoleFile(base_ / "dist", "none", true), StatusIs(StatusCode::kNotFound));
}

TEST_F(ConsoleFilesTest, AcceptEncoding) {
  for (const char* yes : {"gzip", "GZip", "br, gzip", "deflate,gzip;q=0.5", "gzip; q=1.0"}) EXPECT_TRUE(AcceptsGzip(yes)) << yes;
  for (const char* no : {"", "br", "gzip;q=0", "gzip; q=0.000", "x-gzip", "*"}) EXPECT_FALSE(AcceptsGzip(no)) << no;
}

TEST_F(ConsoleFilesTest, Types) {
  EXPECT_EQ(ContentTypeOf("index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(ContentTypeOf("assets/hls.min.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(ContentTypeOf("assets/favicon.svg"), "image/svg+xml");
  EXPECT_EQ(ContentTypeOf("x.unknown"), "application/octet-stream");
  EXPECT_EQ(ContentTypeOf(".js"), "application/octet-stream");
}

}  // namespace
}  // namespace vora::metadata
