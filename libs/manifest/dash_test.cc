#include <gtest/gtest.h>

#include "libs/manifest/fixture_test.h"
#include "libs/manifest/manifest.h"

namespace vora::manifest {
namespace {

constexpr int64_t kStart = 1'763'000'000'000;  // 2025-11-13T02:13:20Z

bool Has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

TEST(DashMpd, CompletePresentationIsStatic) {
  Presentation presentation;
  presentation.complete = true;
  presentation.duration_seconds = 9.5095;
  Track video = VideoTrack("1080p", 1920, 1080, 5'500'000, {2'002'000, 2'002'000}, true);
  video.segments.push_back({2, 45 * 1001, 300'000});
  presentation.tracks = {video, AudioTrack("audio_0", "en", {64'000, 64'000}, true)};
  EXPECT_EQ(DashMpd(presentation, kStart, kStart),
            R"xml(<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" type="static" mediaPresentationDuration="PT9.510S" minBufferTime="PT4.000S" maxSegmentDuration="PT4.011S">
  <Period id="0" start="PT0S">
    <AdaptationSet id="0" contentType="video" mimeType="video/mp4" segmentAlignment="true" startWithSAP="1" maxWidth="1920" maxHeight="1080" par="16:9">
      <Representation id="1080p" codecs="avc1.640028" bandwidth="4000000" width="1920" height="1080" frameRate="30000/1001" sar="1:1">
        <SegmentTemplate timescale="30000" startNumber="0" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/seg_$Number$.m4s">
          <SegmentTimeline>
            <S t="0" d="120120" r="1"/>
            <S d="45045"/>
          </SegmentTimeline>
        </SegmentTemplate>
      </Representation>
    </AdaptationSet>
    <AdaptationSet id="1" contentType="audio" mimeType="audio/mp4" lang="en" segmentAlignment="true" startWithSAP="1">
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="main"/>
      <Representation id="audio_0" codecs="mp4a.40.2" bandwidth="127660" audioSamplingRate="48000">
        <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="2"/>
        <SegmentTemplate timescale="48000" startNumber="0" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/seg_$Number$.m4s">
          <SegmentTimeline>
            <S t="0" d="192512" r="1"/>
          </SegmentTimeline>
        </SegmentTemplate>
      </Representation>
    </AdaptationSet>
  </Period>
</MPD>
)xml");
}

TEST(DashMpd, GrowingPresentationIsARecordingInProgress) {
  Presentation presentation;
  presentation.path_prefix = "r2/";
  presentation.duration_seconds = 60;
  presentation.tracks = {VideoTrack("360p", 640, 360, 900'000, {400'400}, false), VideoTrack("720p", 1280, 720, 3'000'000, {}, false)};
  const std::string mpd = DashMpd(presentation, kStart, kStart + 90'500);
  EXPECT_TRUE(Has(mpd,
                  "type=\"dynamic\" availabilityStartTime=\"2025-11-13T02:13:20.000Z\" publishTime=\"2025-11-13T02:14:50.500Z\" "
                  "minimumUpdatePeriod=\"PT2S\" suggestedPresentationDelay=\"PT4.000S\" mediaPresentationDuration=\"PT60.000S\""))
      << mpd;
  EXPECT_TRUE(Has(mpd, "initialization=\"r2/$RepresentationID$/init.mp4\"")) << mpd;
  EXPECT_TRUE(Has(mpd, "bandwidth=\"900000\"")) << mpd;
  EXPECT_TRUE(Has(mpd, "<UTCTiming schemeIdUri=\"urn:mpeg:dash:utc:direct:2014\" value=\"2025-11-13T02:14:50.500Z\"/>")) << mpd;
  EXPECT_FALSE(Has(mpd, "720p")) << mpd;
}

TEST(DashMpd, OutsideTextIsEscaped) {
  Presentation presentation;
  presentation.complete = true;
  presentation.path_prefix = "a$b/";
  presentation.tracks = {VideoTrack("360p", 640, 360, 1, {1}, true), AudioTrack("audio_0", "<\"&'>\x01", {1}, true)};
  const std::string mpd = DashMpd(presentation, 0, 0);
  EXPECT_TRUE(Has(mpd, "lang=\"&lt;&quot;&amp;&apos;&gt;\"")) << mpd;
  EXPECT_TRUE(Has(mpd, "media=\"a$$b/$RepresentationID$/seg_$Number$.m4s\"")) << mpd;
}

TEST(DashMpd, CaptionsAreSetsOfText) {
  Presentation presentation;
  presentation.complete = true;
  presentation.duration_seconds = 10;
  presentation.tracks = {VideoTrack("360p", 640, 360, 1, {1}, true), AudioTrack("audio_0", "en", {1}, true)};
  presentation.captions = {{"subs_en", "en", "English <&>", 1000, false, false}, {"subs_de", "de", "Deutsch", 1, true, false}};
  const std::string mpd = DashMpd(presentation, 0, 0);
  EXPECT_TRUE(Has(mpd, R"xml(    <AdaptationSet id="2" contentType="text" mimeType="text/vtt" lang="en">
      <Label>English &lt;&amp;&gt;</Label>
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="subtitle"/>
      <Representation id="subs_en" bandwidth="800">
        <BaseURL>subs_en/seg_0.vtt</BaseURL>
      </Representation>
    </AdaptationSet>
    <AdaptationSet id="3" contentType="text" mimeType="text/vtt" lang="de">
)xml"))
      << mpd;
  EXPECT_TRUE(Has(mpd, "value=\"forced-subtitle\"")) << mpd;
}

TEST(DashMpd, WholeFrameRatesAndPortraitAspect) {
  Presentation presentation;
  Track track = VideoTrack("720p", 720, 1280, 1, {1}, true);
  track.frame_rate_num = 30;
  track.frame_rate_den = 1;
  presentation.tracks = {track};
  const std::string mpd = DashMpd(presentation, 0, 0);
  EXPECT_TRUE(Has(mpd, "frameRate=\"30\"")) << mpd;
  EXPECT_TRUE(Has(mpd, "par=\"9:16\"")) << mpd;
}

}  // namespace
}  // namespace vora::manifest
