#include "libs/layout/layout.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "libs/layout/track_kind.h"

namespace vora::layout {
namespace {

TEST(LayoutTest, EveryKeyAsItStandsInTheArchitecture) {
  const std::pair<std::string, std::string> table[] = {
      {RawFolder("u1"), "raw/u1/"},
      {OriginalKey("u1"), "raw/u1/original"},
      {StateKey("u1"), "raw/u1/state"},
      {TailKey("u1", 7), "raw/u1/tail.7"},
      {OpenKey("u1"), "open/u1"},
      {AnnounceKey("u1"), "announce/u1"},
      {ProbeKey("x"), "probe/conditional-put-x"},
      {VideoFolder("v1"), "processed/v1/"},
      {ObjectPrefix("v1"), "processed/v1"},
      {InPrefix("processed/v1", kMasterPlaylist), "processed/v1/master.m3u8"},
      {InPrefix("processed/v1/r2", kDashManifest), "processed/v1/r2/manifest.mpd"},
      {InPrefix("processed/v1", kPoster), "processed/v1/poster.jpg"},
      {InPrefix("processed/v1", kStoryboard), "processed/v1/storyboard.vtt"},
      {InPrefix("processed/v1", StoryboardSheet(3)), "processed/v1/storyboard_3.jpg"},
      {InTrack("processed/v1", "720p", kInit), "processed/v1/720p/init.mp4"},
      {InTrack("processed/v1", "720p", Segment(0)), "processed/v1/720p/seg_0.m4s"},
      {InTrack("processed/v1/r2", "audio_0", Segment(12)), "processed/v1/r2/audio_0/seg_12.m4s"},
      {InTrack("processed/v1", "subs_de", kCaptionSegment), "processed/v1/subs_de/seg_0.vtt"},
      {InTrack("processed/v1", "720p", kMediaPlaylist), "processed/v1/720p/playlist.m3u8"},
  };
  for (const auto& [made, expected] : table) EXPECT_EQ(made, expected);
}

TEST(LayoutTest, AnUploadIsFoundByEachOfItsObjects) {
  for (const auto& key : {OriginalKey("u1"), StateKey("u1"), TailKey("u1", 7), OpenKey("u1"), AnnounceKey("u1")}) {
    EXPECT_EQ(UploadOf(key), "u1") << key;
  }
  for (const char* other : {"raw/", "raw//state", "open/", "processed/u1/master.m3u8", "probe/u1", "xraw/u1/state", "raw", ""}) {
    EXPECT_EQ(UploadOf(other), std::nullopt) << other;
  }
}

TEST(LayoutTest, AnUploadIsFoundByItsState) {
  EXPECT_EQ(UploadOfStateKey(StateKey("u1")), "u1");
  for (const char* other : {"raw/u1/original", "raw/state", "raw//state", "open/u1", "raw/u1/x/state", "state", "", "xraw/u1/state"}) {
    EXPECT_EQ(UploadOfStateKey(other), std::nullopt) << other;
  }
}

TEST(LayoutTest, ARevisionIsTheFolderOfAReencode) {
  EXPECT_EQ(RevisionFolder("v1", "processed/v1"), "");
  EXPECT_EQ(RevisionFolder("v1", "processed/v1/"), "");
  EXPECT_EQ(RevisionFolder("v1", "processed/v1/r2"), "r2/");
  EXPECT_EQ(RevisionPrefix("v1", 2), "processed/v1/r2");
  EXPECT_EQ(RevisionFolder("v1", "processed/v11/r2"), "");
  for (const char* good : {"r1", "r2", "r12", "r1234567"}) EXPECT_TRUE(IsRevision(good)) << good;
  for (const char* bad : {"", "r", "r0", "r01", "R1", "r-1", "r1a", "r12345678"}) EXPECT_FALSE(IsRevision(bad)) << bad;
}

TEST(LayoutTest, TrackNamesAndSegments) {
  for (const char* good : {"720p", "audio_0", "subs_pt-BR", "r"}) EXPECT_TRUE(IsTrackName(good)) << good;
  for (const std::string& bad : {std::string(), std::string("r2"), std::string("a b"), std::string("../x"), std::string(33, 'x')}) {
    EXPECT_FALSE(IsTrackName(bad)) << bad;
  }
  EXPECT_EQ(SegmentIndex("seg_0.m4s"), 0);
  EXPECT_EQ(SegmentIndex("seg_1234567.ts"), 1234567);
  EXPECT_EQ(SegmentIndex("seg_3.vtt"), 3);
  for (const char* bad : {"seg_", "seg_x.m4s", "seg_1", "seg_-1.m4s", "init.mp4", "", "seg_99999999999.m4s"}) {
    EXPECT_EQ(SegmentIndex(bad), std::nullopt) << bad;
  }
}

TEST(TrackKindTest, KindsAreFoundByName) {
  EXPECT_EQ(&TrackKindOf("audio"), &kAudioTrack);
  EXPECT_EQ(&TrackKindOf("video"), &kVideoTrack);
  EXPECT_EQ(&TrackKindOf(""), &kVideoTrack);
}

}  // namespace
}  // namespace vora::layout
