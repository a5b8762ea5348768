// Sources that want more than to be decoded: to lead to other files, or to use up memory, time or disk.

#include <gtest/gtest.h>

#include <cstring>

#include "libs/core/error.h"
#include "libs/media/base/media_error.h"
#include "libs/media/base/source_limits.h"
#include "libs/media/input/container_kind.h"
#include "libs/media/input/mp4_check.h"
#include "libs/media/probe/probe.h"
#include "libs/media/testing/test_media.h"
#include "libs/testing/status_matchers.h"

namespace vora::media {
namespace {

using media::v1::MediaInfo;

std::string Big32(uint32_t value) {
  std::string bytes(4, '\0');
  for (int i = 0; i < 4; ++i) bytes[static_cast<size_t>(i)] = static_cast<char>(value >> (24 - 8 * i));
  return bytes;
}

std::string Box(const std::string& type, const std::string& body) { return Big32(static_cast<uint32_t>(body.size() + 8)) + type + body; }

class HostileSourceTest : public ::testing::Test {
 protected:
  ~HostileSourceTest() override { SetSourceLimits({}); }
  std::string File(const std::string& name, const std::string& bytes) {
    WriteFile(folder_ / name, bytes);
    return folder_ / name;
  }
  // Code and text, or "ok".
  static std::string Fault(const std::string& path) {
    const StatusOr<MediaInfo> info = Probe(*OpenOrDie(path));
    return info.ok() ? "ok" : DetailOf(info.status()).reason + ": " + Message(info.status());
  }
  std::string FaultOf(const std::string& bytes) { return Fault(File("hostile.mp4", bytes)); }
  static void Expect(const std::string& fault, const std::string& code, const std::string& words) {
    EXPECT_EQ(fault.substr(0, fault.find(':')), code) << fault;
    EXPECT_NE(fault.find(words), std::string::npos) << fault;
  }
  TempFolder folder_;
};

TEST_F(HostileSourceTest, WhatLeadsElsewhereIsNamed) {
  const std::pair<std::string, std::string> cases[] = {
      {"#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\nhttp://127.0.0.1:9/x.ts\n", "a playlist (hls)"},
      {"\xef\xbb\xbf\n#EXTM3U\n#EXTINF:4,\nfile:///etc/passwd\n", "a playlist (hls)"},
      {"ffconcat version 1.0\nfile 'file:///etc/passwd'\n", "a list of files (concat)"},
      {"file '/etc/passwd'\n", "a list of files (concat)"},
      {"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nm=video 5004 RTP/AVP 96\r\n", "a session description (sdp)"},
      {"<?xml version=\"1.0\"?>\n<MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><BaseURL>http://127.0.0.1:9/</BaseURL></MPD>",
       "a playlist (dash)"},
      {"<?xml version=\"1.0\"?><SmoothStreamingMedia/>", "a playlist (smooth streaming)"},
      {"<asx version=\"3.0\"><entry><ref href=\"http://127.0.0.1:9/\"/></entry></asx>", "a playlist (asx)"},
      {"[Reference]\nRef1=http://127.0.0.1:9/x.asf\n", "a playlist (asx)"},
      {"[playlist]\nFile1=http://127.0.0.1:9/x\n", "a playlist (pls)"},
      {"RTSPtext\nrtsp://127.0.0.1:9/x\n", "a link (rtsp)"},
      {"rtsp://127.0.0.1:9/x", "a link (rtsp)"},
      {"file:/etc/passwd", "a link (file)"},
      {"<smil><body><video src=\"http://127.0.0.1:9/\"/></body></smil>", "a playlist (smil)"},
      {"<svg xmlns=\"http://www.w3.org/2000/svg\"><image href=\"file:///etc/passwd\"/></svg>", "a picture (svg)"},
      {"FWS\x05" + std::string(100, 'x'), "a Flash program (swf)"},
      {"GIF89a" + std::string(100, 'x'), "a picture (gif)"},
      {"\x89PNG\r\n\x1a\n" + std::string(100, 'x'), "a picture (png)"},
      {"PK\x03\x04" + std::string(100, 'x'), "an archive (zip)"}};
  for (const auto& [bytes, what] : cases) {
    Expect(FaultOf(bytes), "media.not_a_video", "This is " + what + ", not a video; upload the media file itself.");
  }
  EXPECT_THAT(CheckIsVideo("v=0.5 is a letter"), IsOk());
  EXPECT_THAT(CheckIsVideo(""), IsOk());
}

TEST_F(HostileSourceTest, OtherContainersAreNamed) {
  Expect(Fault(MakeSource(folder_, "a.nut", "-f lavfi -i testsrc2=size=64x64:rate=5:duration=1 -c:v mpeg4")), "media.not_a_video",
         "format 'nut'");
  Expect(Fault(MakeSource(folder_, "a.y4m", "-f lavfi -i testsrc2=size=64x64:rate=5:duration=1")), "media.not_a_video", "'yuv4mpegpipe'");
}

// A video whose media a data reference says to be elsewhere.
TEST_F(HostileSourceTest, ExternalDataReferencesAreRefused) {
  std::string movie =
      ReadFile(MakeSource(folder_, "a.mov", "-f lavfi -i testsrc2=size=64x64:rate=5:duration=1 -c:v mpeg4 -movflags +faststart"));
  const std::string self = Box("dref", Big32(0) + Big32(1) + Box("url ", Big32(1)));
  ASSERT_NE(movie.find(self), std::string::npos);
  EXPECT_EQ(FaultOf(movie), "ok");
  for (const std::string& place : {std::string("file:///etc/passwd"), std::string("http://127.0.0.1:9/x.mov")}) {
    const std::string dref = Box("dref", Big32(0) + Big32(1) + Box("url ", Big32(0) + place + '\0'));
    const std::string moov = Box("moov", Box("trak", Box("mdia", Box("minf", Box("dinf", dref)))));
    Expect(FaultOf(Box("ftyp", "qt  " + Big32(0)) + moov), "media.external_reference", "never opened");
  }
  const std::string alias = Box("dref", Big32(0) + Big32(1) + Box("alis", Big32(0) + std::string(200, 'p')));
  Expect(FaultOf(Box("ftyp", "qt  " + Big32(0)) + Box("moov", Box("trak", Box("mdia", Box("minf", Box("dinf", alias)))))),
         "media.external_reference", "self-contained");
  Expect(FaultOf(Box("moov", Box("rmra", Box("rmda", Box("rdrf", Big32(0) + "url " + Big32(20) + "http://127.0.0.1:9/x"))))),
         "media.external_reference", "reference movie");
}

TEST_F(HostileSourceTest, AnIndexBeyondTheLimitsIsRefused) {
  std::string tracks;
  for (int i = 0; i < 5000; ++i) tracks += Box("trak", "");
  Expect(FaultOf(Box("ftyp", "isom" + Big32(0)) + Box("moov", tracks)), "media.too_large", "VORA_MAX_SOURCE_STREAMS");
  std::string crumbs;
  for (int i = 0; i < 30'000; ++i) crumbs += Box("free", "");
  Expect(FaultOf(Box("ftyp", "isom" + Big32(0)) + Box("moov", crumbs)), "media.too_large", "boxes");
  Expect(FaultOf(Box("ftyp", "isom" + Big32(0)) + Big32(0xfffffff0) + "moov" + std::string(1000, '\0')), "media.too_large",
         "VORA_MAX_SOURCE_HEADER");
  const std::string packed = Box("cmov", Box("dcom", "zlib") + Box("cmvd", Big32(0xf0000000) + std::string(100, 'x')));
  Expect(FaultOf(Box("ftyp", "qt  " + Big32(0)) + Box("moov", packed)), "media.too_large", "VORA_MAX_SOURCE_HEADER");
  std::string deep = Box("free", "");
  for (int i = 0; i < 5000; ++i) deep = Box(i % 2 == 0 ? "trak" : "mdia", deep);
  Expect(FaultOf(Box("ftyp", "isom" + Big32(0)) + Box("moov", deep)), "media.unreadable", "video");
}

TEST_F(HostileSourceTest, ThePictureSizeIsLimitedBeforeAnythingIsDecoded) {
  std::string movie =
      ReadFile(MakeSource(folder_, "a.mp4", "-f lavfi -i testsrc2=size=64x64:rate=5:duration=1 -c:v mjpeg -movflags +faststart"));
  // VisualSampleEntry: 24 bytes of other fields, then width and height, 16 bits each.
  const size_t entry = movie.find("mp4v", movie.find("stsd"));
  ASSERT_NE(entry, std::string::npos);
  std::memcpy(movie.data() + entry + 4 + 24, "\xff\xff\xff\xff", 4);
  Expect(FaultOf(movie), "media.too_large", "65535x65535");
  SourceLimits limits;
  limits.max_pixels = 200 * 100;
  SetSourceLimits(limits);
  const std::string large =
      MakeSource(folder_, "b.mkv", "-f lavfi -i testsrc2=size=320x180:rate=5:duration=1 -c:v libx264 -preset ultrafast");
  Expect(Fault(large), "media.too_large", "The picture is 320x180; at most 20000 pixels are taken (VORA_MAX_SOURCE_PIXELS).");
}

TEST_F(HostileSourceTest, TracksFramesAndLengthAreLimited) {
  const std::string source = MakeUsualSource(folder_, "a.mkv", 3, 64, 64);
  SourceLimits limits;
  limits.max_streams = 1;
  SetSourceLimits(limits);
  Expect(Fault(source), "media.too_large", "The file has 2 tracks; at most 1 are taken (VORA_MAX_SOURCE_STREAMS).");
  limits = {};
  limits.max_duration_seconds = 2;
  SetSourceLimits(limits);
  Expect(Fault(source), "media.too_long", "The video lasts 3.0 s; at most 2.0 s are taken (VORA_MAX_SOURCE_DURATION).");
  limits = {};
  limits.max_frames = 50;
  SetSourceLimits(limits);
  Expect(Fault(MakeUsualSource(folder_, "a.mp4", 3, 64, 64)), "media.too_large", "(VORA_MAX_SOURCE_FRAMES)");
  EXPECT_EQ(SourceLimits::Parse(limits.Text()).Text(), limits.Text());
  EXPECT_EQ(SourceLimits::Parse("").Text(), SourceLimits().Text());
}

// Without the edit list, which has the right length and would be believed.
std::string WithoutEdits(std::string movie) {
  const size_t at = movie.find("edts");
  if (at != std::string::npos) movie.replace(at, 4, "free");
  return movie;
}

// Its media header (mdhd, version 0) claims `units`.
std::string Claiming(std::string movie, uint32_t units) {
  const size_t at = movie.find("mdhd");
  EXPECT_NE(at, std::string::npos);
  movie.replace(at + 4 + 16, 4, Big32(units));
  return movie;
}

// Replaces the last entry of the video's stts box by one whose pictures last `delta` units each.
std::string WithLastDuration(std::string movie, uint32_t count, uint32_t delta) {
  const size_t at = movie.find("stts");
  EXPECT_NE(at, std::string::npos);
  const std::string entries = Big32(0) + Big32(1);
  EXPECT_EQ(movie.compare(at + 4, 8, entries), 0) << "one entry is expected";
  // One entry has room for one entry: all pictures change.
  movie.replace(at + 12, 8, Big32(count) + Big32(delta));
  return movie;
}

TEST_F(HostileSourceTest, ALengthIsBelievedOnlyAsFarAsPacketsBearItOut) {
  // 15 pictures that are said to last 20 minutes each, without an audio: five hours of nothing.
  const std::string movie = ReadFile(MakeSource(
      folder_, "a.mp4", "-f lavfi -i testsrc2=size=64x64:rate=5:duration=3 -c:v mpeg4 -video_track_timescale 1000 -movflags +faststart"));
  Expect(FaultOf(Claiming(WithLastDuration(WithoutEdits(movie), 15, 1'200'000), 18'000'000)), "media.too_long", "VORA_MAX_SOURCE_GAP");
  // A still picture under audio is a video of the audio's length.
  const std::string still = MakeSource(folder_, "still.mp4",
                                       "-f lavfi -i color=size=64x64:rate=1/900:duration=1500 -f lavfi -i "
                                       "sine=frequency=200:sample_rate=8000:duration=1500 -c:v mpeg4 -c:a aac -b:a 8k");
  const StatusOr<MediaInfo> info = Probe(*OpenOrDie(still));
  ASSERT_THAT(info, IsOk());
  EXPECT_GT(info->duration_seconds(), 1400);
  // Matroska: the claim lies in the time of its last cluster.
  const std::string jump = MakeSource(folder_, "jump.mkv",
                                      "-f lavfi -i testsrc2=size=64x64:rate=5:duration=4 -vf 'setpts=PTS+if(gte(N\\,10)\\,4000/TB\\,0)' "
                                      "-vsync vfr -c:v libx264 -preset ultrafast");
  Expect(Fault(jump), "media.too_long", "neither video nor audio");
}

TEST_F(HostileSourceTest, AnEndThatNothingBearsOutIsCutAway) {
  // Two entries: the last picture alone is said to last an hour.
  const std::string source = MakeSource(folder_, "vfr.mp4",
                                        "-f lavfi -i testsrc2=size=64x64:rate=5:duration=3 -vf 'setpts=PTS+if(gte(N\\,14)\\,1/TB\\,0)' "
                                        "-vsync vfr -c:v mpeg4 -video_track_timescale 1000 -movflags +faststart");
  std::string movie = WithoutEdits(ReadFile(source));
  const size_t at = movie.find("stts");
  const auto entries = static_cast<unsigned char>(movie[at + 11]);
  ASSERT_GE(entries, 2);
  movie.replace(at + 12 + 8U * (entries - 1U) + 4, 4, Big32(3'600'000));
  const StatusOr<MediaInfo> info = Probe(*OpenOrDie(File("hours.mp4", Claiming(movie, 3'604'000))));
  ASSERT_THAT(info, IsOk());
  EXPECT_LT(info->duration_seconds(), 10);
  ASSERT_EQ(info->warnings_size(), 1);
  EXPECT_NE(info->warnings(0).find("overstates its length"), std::string::npos) << info->warnings(0);
}

TEST_F(HostileSourceTest, AudioBeyondTheLimitsIsLeftOut) {
  SourceLimits limits;
  limits.max_channels = 1;
  SetSourceLimits(limits);
  const std::string source = MakeSource(
      folder_, "a.mkv", "-f lavfi -i testsrc2=size=64x64:rate=5:duration=1 -f lavfi -i sine=duration=1 -ac 2 -c:v mpeg4 -c:a flac");
  const StatusOr<MediaInfo> info = Probe(*OpenOrDie(source));
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->audio_size(), 0);
  ASSERT_EQ(info->warnings_size(), 1);
  EXPECT_NE(info->warnings(0).find("VORA_MAX_SOURCE_CHANNELS"), std::string::npos) << info->warnings(0);
}

}  // namespace
}  // namespace vora::media
