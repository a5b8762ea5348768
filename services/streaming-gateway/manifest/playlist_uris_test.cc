#include "services/streaming-gateway/manifest/playlist_uris.h"

#include <gtest/gtest.h>

namespace vora::gateway {
namespace {

TEST(RewriteHlsUris, LinesAndAttributes) {
  EXPECT_EQ(RewriteHlsUris("#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a\",URI=\"audio_0/playlist.m3u8\"\n#EXT-X-STREAM-INF:CODECS=\"x\"\n"
                           "720p/playlist.m3u8\n",
                           "r2/", "?token=t"),
            "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,NAME=\"a\",URI=\"r2/audio_0/playlist.m3u8?token=t\"\n#EXT-X-STREAM-INF:CODECS=\"x\"\n"
            "r2/720p/playlist.m3u8?token=t\n");
  EXPECT_EQ(RewriteHlsUris("#EXT-X-MAP:URI=\"init.mp4\"\n\nseg_0.m4s", "", "?token=t"),
            "#EXT-X-MAP:URI=\"init.mp4?token=t\"\n\nseg_0.m4s?token=t");
  EXPECT_EQ(RewriteHlsUris("", "a", "b"), "");
  EXPECT_EQ(RewriteHlsUris("#EXT-X-MAP:URI=\"broken\n", "a", "b"), "#EXT-X-MAP:URI=\"broken\n");
}

TEST(RewriteDashUris, BaseUrlsOfCaptions) {
  EXPECT_EQ(RewriteDashUris("<BaseURL>subs_en/seg_0.vtt</BaseURL><BaseURL>x</BaseURL>", "r2/", "?token=t"),
            "<BaseURL>r2/subs_en/seg_0.vtt?token=t</BaseURL><BaseURL>r2/x?token=t</BaseURL>");
}

TEST(RewriteStoryboardUris, PicturesOfCues) {
  EXPECT_EQ(RewriteStoryboardUris("WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nstoryboard_0.jpg#xywh=0,0,160,90\n", "r2/", "?token=t"),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nr2/storyboard_0.jpg?token=t#xywh=0,0,160,90\n");
  EXPECT_EQ(RewriteStoryboardUris("x#xywh=1", "", "?t"), "x?t#xywh=1");
}

TEST(RewriteDashUris, Templates) {
  EXPECT_EQ(
      RewriteDashUris("<SegmentTemplate initialization=\"$RepresentationID$/init.mp4\" media=\"$RepresentationID$/seg_$Number$.m4s\">",
                      "r2/", "?token=t"),
      "<SegmentTemplate initialization=\"r2/$RepresentationID$/init.mp4?token=t\" "
      "media=\"r2/$RepresentationID$/seg_$Number$.m4s?token=t\">");
}

}  // namespace
}  // namespace vora::gateway
