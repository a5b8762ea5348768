#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/manifest/fixture_test.h"
#include "libs/manifest/manifest.h"
#include "libs/manifest/text_internal.h"

namespace vora::manifest {
namespace {

TEST(HlsMedia, CompleteTrackIsVodWithEndlist) {
  Track track = VideoTrack("720p", 1280, 720, 3'000'000, {1'000'000, 900'000}, true);
  track.segments.push_back({2, 45 * 1001, 300'000});
  EXPECT_EQ(HlsMedia(track, 4),
            "#EXTM3U\n"
            "#EXT-X-VERSION:7\n"
            "#EXT-X-TARGETDURATION:4\n"
            "#EXT-X-MEDIA-SEQUENCE:0\n"
            "#EXT-X-PLAYLIST-TYPE:VOD\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-MAP:URI=\"init.mp4\"\n"
            "#EXTINF:4.004000,\n"
            "seg_0.m4s\n"
            "#EXTINF:4.004000,\n"
            "seg_1.m4s\n"
            "#EXTINF:1.501500,\n"
            "seg_2.m4s\n"
            "#EXT-X-ENDLIST\n");
}

TEST(HlsMedia, GrowingTrackIsAnEventFromItsStart) {
  EXPECT_EQ(HlsMedia(VideoTrack("720p", 1280, 720, 3'000'000, {1'000'000}, false), 4),
            "#EXTM3U\n"
            "#EXT-X-VERSION:7\n"
            "#EXT-X-TARGETDURATION:4\n"
            "#EXT-X-MEDIA-SEQUENCE:0\n"
            "#EXT-X-PLAYLIST-TYPE:EVENT\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-START:TIME-OFFSET=0\n"
            "#EXT-X-MAP:URI=\"init.mp4\"\n"
            "#EXTINF:4.004000,\n"
            "seg_0.m4s\n");
}

TEST(HlsMedia, TargetDurationIsTheRoundedMaximum) {
  const auto target = [](int64_t duration, int timescale, double wanted) {
    Track track = VideoTrack("360p", 640, 360, 800'000, {}, true);
    track.timescale = timescale;
    track.segments = {{0, duration, 1000}};
    const std::string text = HlsMedia(track, wanted);
    const size_t at = text.find("TARGETDURATION:") + 15;
    return std::stoi(text.substr(at));
  };
  EXPECT_EQ(target(4499, 1000, 4), 4);  // RFC 8216: rounded to the nearest integer
  EXPECT_EQ(target(4500, 1000, 4), 5);
  EXPECT_EQ(target(200, 1000, 0.2), 1);  // never 0
  EXPECT_EQ(target(2000, 1000, 6), 6);   // the planned length holds from the first segment on
}

TEST(HlsMaster, CompleteLadderWithSound) {
  Presentation presentation;
  presentation.complete = true;
  presentation.duration_seconds = 8.008;
  presentation.tracks = {VideoTrack("360p", 640, 360, 900'000, {400'400, 200'200}, true),
                         VideoTrack("1080p", 1920, 1080, 5'500'000, {2'002'000, 2'002'000}, true),
                         AudioTrack("audio_0", "en", {64'000, 64'000}, true)};
  EXPECT_EQ(HlsMaster(presentation),
            "#EXTM3U\n"
            "#EXT-X-VERSION:7\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"audio\",NAME=\"en (audio_0)\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\","
            "URI=\"audio_0/playlist.m3u8\"\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=927660,AVERAGE-BANDWIDTH=727660,CODECS=\"avc1.640028,mp4a.40.2\",RESOLUTION=640x360,"
            "FRAME-RATE=29.970,AUDIO=\"audio\"\n"
            "360p/playlist.m3u8\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=4127660,AVERAGE-BANDWIDTH=4127660,CODECS=\"avc1.640028,mp4a.40.2\",RESOLUTION=1920x1080,"
            "FRAME-RATE=29.970,AUDIO=\"audio\"\n"
            "1080p/playlist.m3u8\n");
}

TEST(HlsMaster, GrowingLadderListsWhatHasBegunAndDeclaresTheCap) {
  Presentation presentation;
  presentation.path_prefix = "r2/";
  presentation.tracks = {VideoTrack("360p", 640, 360, 900'000, {400'400}, false), VideoTrack("1080p", 1920, 1080, 5'500'000, {}, false)};
  EXPECT_EQ(HlsMaster(presentation),
            "#EXTM3U\n"
            "#EXT-X-VERSION:7\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=900000,AVERAGE-BANDWIDTH=800000,CODECS=\"avc1.640028\",RESOLUTION=640x360,FRAME-RATE=29.970\n"
            "r2/360p/playlist.m3u8\n");
}

TEST(HlsMaster, SeveralLanguagesAreOneGroupWithOneDefault) {
  Presentation presentation;
  presentation.tracks = {VideoTrack("360p", 640, 360, 900'000, {400'400}, true), AudioTrack("audio_0", "de", {1}, true),
                         AudioTrack("audio_1", "x\"\nEVIL=1", {1}, true)};
  const std::string text = HlsMaster(presentation);
  EXPECT_NE(text.find("NAME=\"de (audio_0)\",LANGUAGE=\"de\",DEFAULT=YES"), std::string::npos) << text;
  EXPECT_NE(text.find("NAME=\"xEVIL=1 (audio_1)\",LANGUAGE=\"xEVIL=1\",DEFAULT=NO,AUTOSELECT=YES"), std::string::npos) << text;
  EXPECT_NE(text.find("CODECS=\"avc1.640028,mp4a.40.2\""), std::string::npos) << text;
}

TEST(HlsMaster, CaptionsAreAGroupOfTheirOwn) {
  Presentation presentation;
  presentation.path_prefix = "r2/";
  presentation.tracks = {VideoTrack("360p", 640, 360, 900'000, {400'400}, true)};
  presentation.captions = {{"subs_en", "en", "English \"CC\"\nX", 100, false, true}, {"subs_und", "und", "Subtitles", 100, true, false}};
  EXPECT_EQ(HlsMaster(presentation),
            "#EXTM3U\n"
            "#EXT-X-VERSION:7\n"
            "#EXT-X-INDEPENDENT-SEGMENTS\n"
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"English CCX\",LANGUAGE=\"en\",DEFAULT=NO,AUTOSELECT=YES,FORCED=NO,"
            "CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog,public.accessibility.describes-music-and-sound\","
            "URI=\"r2/subs_en/playlist.m3u8\"\n"
            "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"subs\",NAME=\"Subtitles\",DEFAULT=NO,AUTOSELECT=YES,FORCED=YES,"
            "URI=\"r2/subs_und/playlist.m3u8\"\n"
            "#EXT-X-STREAM-INF:BANDWIDTH=800000,AVERAGE-BANDWIDTH=800000,CODECS=\"avc1.640028\",RESOLUTION=640x360,FRAME-RATE=29.970,"
            "SUBTITLES=\"subs\"\n"
            "r2/360p/playlist.m3u8\n");
}

TEST(HlsCaption, IsOneFile) {
  EXPECT_EQ(HlsCaption(9.5095),
            "#EXTM3U\n"
            "#EXT-X-VERSION:7\n"
            "#EXT-X-TARGETDURATION:10\n"
            "#EXT-X-MEDIA-SEQUENCE:0\n"
            "#EXT-X-PLAYLIST-TYPE:VOD\n"
            "#EXTINF:9.510,\n"
            "seg_0.vtt\n"
            "#EXT-X-ENDLIST\n");
}

TEST(MeasureBandwidth, PeakIsOverRunsNearTheTargetDuration) {
  Track track = VideoTrack("360p", 640, 360, 900'000, {}, true);
  track.timescale = 1000;
  EXPECT_EQ(MeasureBandwidth(track).peak, 900'000);
  EXPECT_EQ(MeasureBandwidth(track).average, 900'000);
  // The last 0.4 s alone would be 4 Mbit/s, but a run that short does not count (RFC 8216 section 4.1); with the one before it lasts 4.4 s.
  track.segments = {{0, 4000, 500'000}, {1, 4000, 400'000}, {2, 400, 200'000}};
  EXPECT_EQ(MeasureBandwidth(track).peak, 1'090'909);
  EXPECT_EQ(MeasureBandwidth(track).average, 1'047'619);
}

TEST(IsPlayable, NeedsPictureAndTheAudioThereIs) {
  Presentation presentation;
  EXPECT_FALSE(IsPlayable(presentation));
  presentation.tracks = {VideoTrack("360p", 640, 360, 1, {}, false), VideoTrack("720p", 1280, 720, 1, {1}, false)};
  EXPECT_TRUE(IsPlayable(presentation));
  presentation.tracks.push_back(AudioTrack("audio_0", "", {}, false));
  EXPECT_FALSE(IsPlayable(presentation));
  presentation.tracks.back().segments = {{0, 1, 1}};
  EXPECT_TRUE(IsPlayable(presentation));
  // Where a picture was planned, the sound alone is not the video.
  presentation.tracks[0].segments.clear();
  presentation.tracks[1].segments.clear();
  EXPECT_FALSE(IsPlayable(presentation));
  presentation.tracks.erase(presentation.tracks.begin(), presentation.tracks.begin() + 2);
  EXPECT_TRUE(IsPlayable(presentation));
}

TEST(HlsMaster, TheSoundAloneIsAVariantOfItsOwn) {
  Presentation presentation;
  presentation.tracks = {AudioTrack("audio_0", "", {1, 1}, true)};
  const std::string master = HlsMaster(presentation);
  EXPECT_THAT(master, ::testing::HasSubstr("#EXT-X-STREAM-INF:BANDWIDTH="));
  EXPECT_THAT(master, ::testing::HasSubstr("CODECS=\"mp4a.40.2\"\naudio_0/playlist.m3u8\n"));
  EXPECT_THAT(master, ::testing::Not(::testing::HasSubstr("EXT-X-MEDIA:")));
}

TEST(Text, FixedRoundsAndCarries) {
  EXPECT_EQ(internal::Fixed(30000, 1001, 3), "29.970");
  EXPECT_EQ(internal::Fixed(24000, 1001, 3), "23.976");
  EXPECT_EQ(internal::Fixed(1999999, 1000000, 3), "2.000");
  EXPECT_EQ(internal::Fixed(1, 0, 3), "0.000");
  EXPECT_EQ(internal::Fixed(7, 2, 0), "4");
  EXPECT_EQ(internal::Seconds(59.9996), "60.000");
  EXPECT_EQ(internal::Seconds(-1), "0.000");
}

TEST(HlsMaster, SoundsAreCalledByTheirLabelsAndACommentaryIsHeardByWhoAsks) {
  Presentation presentation;
  presentation.tracks = {VideoTrack("720p", 1280, 720, 1, {1}, true), AudioTrack("audio_0", "en", {1}, true),
                         AudioTrack("audio_1", "en", {1}, true), AudioTrack("audio_2", "fr", {1}, true)};
  presentation.tracks[1].label = "English";
  presentation.tracks[2].label = "With the director";
  presentation.tracks[2].role = "commentary";
  presentation.tracks[3].label = "Français";
  presentation.tracks[3].role = "description";
  const std::string text = HlsMaster(presentation);
  EXPECT_NE(text.find("NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS"), std::string::npos) << text;
  EXPECT_NE(text.find("NAME=\"With the director\",LANGUAGE=\"en\",DEFAULT=NO,AUTOSELECT=NO,"), std::string::npos) << text;
  EXPECT_NE(
      text.find("NAME=\"Français\",LANGUAGE=\"fr\",DEFAULT=NO,AUTOSELECT=YES,CHARACTERISTICS=\"public.accessibility.describes-video\""),
      std::string::npos)
      << text;
  const std::string mpd = DashMpd(presentation, 0, 0);
  EXPECT_NE(mpd.find("<Label>With the director</Label>\n      <Role schemeIdUri=\"urn:mpeg:dash:role:2011\" value=\"commentary\"/>"),
            std::string::npos)
      << mpd;
  EXPECT_NE(mpd.find("<Accessibility schemeIdUri=\"urn:tva:metadata:cs:AudioPurposeCS:2007\" value=\"1\"/>"), std::string::npos) << mpd;
}

}  // namespace
}  // namespace vora::manifest
