#include "libs/layout/delivery_path.h"

#include <gtest/gtest.h>

namespace vora::layout {
namespace {

constexpr char kId[] = "019a0000000070008000000000000001";

TEST(DeliveryPath, PublishedObjects) {
  struct Case {
    std::string rest;
    ObjectKind kind;
    std::string type;
  };
  const Case table[] = {
      {"master.m3u8", ObjectKind::kMaster, "application/vnd.apple.mpegurl"},
      {"manifest.mpd", ObjectKind::kDash, "application/dash+xml"},
      {"poster.jpg", ObjectKind::kPart, "image/jpeg"},
      {"storyboard.vtt", ObjectKind::kStoryboard, "text/vtt"},
      {"storyboard_12.jpg", ObjectKind::kPart, "image/jpeg"},
      {"download.mp4", ObjectKind::kDownload, "video/mp4"},
      {"720p/playlist.m3u8", ObjectKind::kMediaPlaylist, "application/vnd.apple.mpegurl"},
      {"720p/iframes.m3u8", ObjectKind::kSegment, "application/vnd.apple.mpegurl"},
      {"audio_0/init.mp4", ObjectKind::kSegment, "video/mp4"},
      {"1080p/seg_0.m4s", ObjectKind::kSegment, "video/iso.segment"},
      {"1080p/seg_1234567.ts", ObjectKind::kSegment, "video/mp2t"},
      {"subs_pt-BR/seg_3.vtt", ObjectKind::kSegment, "text/vtt"},
      {"r2/720p/seg_10.m4s", ObjectKind::kSegment, "video/iso.segment"},
      {"r12/master.m3u8", ObjectKind::kMaster, "application/vnd.apple.mpegurl"},
  };
  for (const Case& c : table) {
    const auto path = ParseDeliveryPath(c.rest);
    ASSERT_TRUE(path) << c.rest;
    EXPECT_EQ(path->kind, c.kind) << c.rest;
    EXPECT_EQ(path->content_type, c.type) << c.rest;
    EXPECT_EQ(path->Relative(), c.rest);
    EXPECT_EQ(ObjectKey(kId, *path), "processed/" + std::string(kId) + "/" + c.rest);
  }
}

TEST(DeliveryPath, NothingElseCanBeNamed) {
  const std::string table[] = {
      "",
      "/",
      "//",
      ".",
      "..",
      "../raw/x/original",
      "../../raw/x/original",
      "720p/../../../raw/x/original",
      "..%2fraw",
      "original",
      "state",
      "720p",
      "720p/",
      "/720p/seg_0.m4s",
      "720p//seg_0.m4s",
      "./720p/seg_0.m4s",
      "720p/./seg_0.m4s",
      "720p/seg_.m4s",
      "720p/seg_00.m4s",
      "720p/seg_-1.m4s",
      "720p/seg_+1.m4s",
      "720p/seg_1.m4s.bak",
      "720p/seg_12345678.m4s",
      "720p/seg_1.M4S",
      "720p/seg_1",
      "720p/seg_0x1.m4s",
      "720p/seg_1.m4s/",
      "720p/seg_1.m4s/x",
      "720p/poster.jpg",
      "720p/master.m3u8",
      "seg_0.m4s",
      "playlist.m3u8",
      "a/b/seg_0.m4s",
      "r0/720p/seg_0.m4s",
      "r01/720p/seg_0.m4s",
      "r2/r3/720p/seg_0.m4s",
      "r2/seg_0.m4s",
      "r2/",
      "r2",
      "72 0p/seg_0.m4s",
      "720p\\seg_0.m4s",
      "720p/seg_0.m4s\n",
      "storyboard_.jpg",
      "storyboard_x.jpg",
      "poster.png",
      std::string("720p\0/seg_0.m4s", 15),
      std::string("720p/seg_0.m4s\0", 15),
      std::string(33, 'a') + "/seg_0.m4s",
      "\xc3\xa9/seg_0.m4s",
  };
  for (const std::string& rest : table) EXPECT_FALSE(ParseDeliveryPath(rest)) << rest;
}

}  // namespace
}  // namespace vora::layout
