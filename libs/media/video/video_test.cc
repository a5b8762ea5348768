#include <gtest/gtest.h>

#include <cmath>

#include "libs/media/probe/probe.h"
#include "libs/media/testing/test_media.h"

namespace vora::media {
namespace {

using media::v1::MediaInfo;
using media::v1::TrackPlan;

// One decode order, no holes, keyframes at the GOP grid, presentation from 0.
void ExpectContinuous(const std::string& path, const TrackPlan& plan) {
  std::vector<ProbedPacket> packets = ProbePackets(path, "v");
  ASSERT_EQ(packets.size(), static_cast<size_t>(plan.frames_total()));
  const double step = static_cast<double>(plan.frame_rate_den()) / plan.frame_rate_num();
  std::vector<double> shown;
  for (size_t i = 0; i < packets.size(); ++i) {
    EXPECT_NEAR(packets[i].dts - packets[0].dts, static_cast<double>(i) * step, 1e-3) << i;
    EXPECT_EQ(packets[i].key, i % static_cast<size_t>(plan.frames_per_gop()) == 0) << i;
    shown.push_back(packets[i].pts);
  }
  std::sort(shown.begin(), shown.end());
  for (size_t i = 0; i < shown.size(); ++i) EXPECT_NEAR(shown[i], static_cast<double>(i) * step, 1e-3) << i;
}

void ExpectChunksEqualWhole(const std::string& source, const MediaInfo& media, const TrackPlan& plan) {
  const EncodedTrack whole = EncodeVideoSpan(source, media, plan, 0, plan.segments_total());
  for (int first = 0; first < plan.segments_total(); ++first) {
    const EncodedTrack one = EncodeVideoSpan(source, media, plan, first, first + 1);
    EXPECT_EQ(one.init, whole.init);
    EXPECT_TRUE(one.segments[0] == whole.segments[static_cast<size_t>(first)]) << "segment " << first << " of " << source;
  }
}

class VideoTest : public ::testing::Test {
 protected:
  TempFolder folder_;
};

TEST_F(VideoTest, ChunksAreByteIdenticalToOneEncodeAndContinuous) {
  const std::string source = MakeUsualSource(folder_, "a.mp4", 9.3);
  const MediaInfo media = ProbeOrDie(source);
  EXPECT_EQ(media.video().frames(), 279);
  EXPECT_EQ(media.video().frame_rate_num(), 30);
  EXPECT_EQ(media.audio_size(), 1);
  const TrackPlan plan = VideoPlan(media, 320, 180, 2, "veryfast");
  ExpectChunksEqualWhole(source, media, plan);
  const EncodedTrack whole = EncodeVideoSpan(source, media, plan, 0, plan.segments_total());
  EXPECT_EQ(whole.codecs.substr(0, 7), "avc1.64");
  WriteFile(folder_ / "whole.mp4", whole.Whole());
  ExpectContinuous(folder_ / "whole.mp4", plan);
  EXPECT_EQ(RunProgram("ffmpeg -v error -i '" + folder_ / "whole.mp4" + "' -f null - 2>&1"), "");
}

TEST_F(VideoTest, ManySourcesGiveTheSameBytesInAnyChunks) {
  struct Case {
    std::string name, arguments;
  };
  const std::string picture = "-f lavfi -i testsrc2=size=322x182:rate=30000/1001:duration=7 ";
  const Case cases[] = {
      {"ntsc.mkv", picture + "-c:v libx264 -preset ultrafast -bf 3 -g 90"},
      {"open_gop.mp4", picture + "-c:v libx264 -preset veryfast -x264-params open-gop=1:keyint=50:bframes=4:b-pyramid=normal"},
      {"stream.ts", picture + "-c:v libx264 -preset ultrafast -bf 2 -g 60"},
      {"mpeg4.avi", picture + "-c:v mpeg4 -bf 2 -g 40 -q:v 5"},
      {"vp8.webm", picture + "-c:v libvpx -deadline realtime -cpu-used 8 -g 45"},
      {"ten_bit.mkv", picture + "-pix_fmt yuv420p10le -c:v libx264 -preset ultrafast -g 70"},
      {"hevc.mp4", picture + "-c:v libx265 -preset ultrafast -x265-params log-level=error:keyint=48"},
      {"interlaced.ts", picture + "-vf tinterlace=interleave_top,fieldorder=tff -flags +ildct+ilme -c:v mpeg2video -g 12 -bf 2"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string source = MakeSource(folder_, c.name, c.arguments);
    const MediaInfo media = ProbeOrDie(source);
    EXPECT_NEAR(media.duration_seconds(), 7, 0.15);
    ExpectChunksEqualWhole(source, media, VideoPlan(media, 320, 180));
  }
}

TEST_F(VideoTest, VariableFrameRateLandsOnASteadyGrid) {
  // Every third and seventh frame is missing, and half a second in the middle.
  const std::string source =
      MakeSource(folder_, "vfr.mp4",
                 "-f lavfi -i testsrc2=size=320x180:rate=30:duration=6 -vf "
                 "\"select='mod(n,3)*mod(n,7)*not(between(n,80,95))'\" -vsync vfr -c:v libx264 -preset ultrafast -g 40");
  const MediaInfo media = ProbeOrDie(source);
  EXPECT_NEAR(media.duration_seconds(), 6, 0.2);
  const TrackPlan plan = VideoPlan(media, 320, 180);
  ExpectChunksEqualWhole(source, media, plan);
  WriteFile(folder_ / "out.mp4", EncodeVideoSpan(source, media, plan, 0, plan.segments_total()).Whole());
  ExpectContinuous(folder_ / "out.mp4", plan);
}

TEST_F(VideoTest, RotationAndPixelShapeShowInTheSize) {
  const std::string upright = MakeUsualSource(folder_, "u.mp4", 2, 640, 360);
  const std::string turned = MakeSource(folder_, "r.mp4", "-i '" + upright + "' -c copy -metadata:s:v rotate=90");
  MediaInfo media = ProbeOrDie(turned);
  EXPECT_EQ(media.video().width(), 360);
  EXPECT_EQ(media.video().height(), 640);
  EXPECT_NE(media.video().rotation_degrees(), 0);
  const TrackPlan plan = VideoPlan(media, 180, 320);
  WriteFile(folder_ / "r_out.mp4", EncodeVideoSpan(turned, media, plan, 0, 1).Whole());
  // The picture itself was turned, not only its frame: it equals the reference turned by the ffmpeg program.
  const std::string psnr = RunProgram("ffmpeg -v info -i '" + folder_ / "r_out.mp4" + "' -i '" + turned +
                                      "' -lavfi '[1:v]scale=180:320[b];[0:v][b]psnr' -f null - 2>&1 | grep -o 'average:[0-9.]*'");
  EXPECT_GT(std::atof(psnr.c_str() + 8), 25) << psnr;

  const std::string wide = MakeSource(folder_, "sar.mp4", "-i '" + upright + "' -vf setsar=4/3 -c:v libx264 -preset ultrafast");
  media = ProbeOrDie(wide);
  EXPECT_EQ(media.video().width(), 853);
  EXPECT_EQ(media.video().height(), 360);
}

TEST_F(VideoTest, ColourTagsAreCarriedAndFullRangeBecomesLimited) {
  const std::string source =
      MakeSource(folder_, "full.mp4",
                 "-f lavfi -i color=white:size=320x180:rate=30:duration=1 -vf scale=out_range=full -pix_fmt yuvj420p "
                 "-c:v libx264 -preset ultrafast -color_primaries bt709 -color_trc bt709 -colorspace bt709");
  const MediaInfo media = ProbeOrDie(source);
  const TrackPlan plan = VideoPlan(media, 320, 180);
  WriteFile(folder_ / "out.mp4", EncodeVideoSpan(source, media, plan, 0, 1).Whole());
  EXPECT_EQ(RunProgram("ffprobe -v error -select_streams v -show_entries stream=color_range,color_space,color_transfer,color_primaries "
                       "-of csv=p=0 '" +
                       folder_ / "out.mp4" + "'"),
            "tv,bt709,bt709,bt709\n");
  const std::string luma =
      RunProgram("ffmpeg -v error -i '" + folder_ / "out.mp4" + "' -frames:v 1 -f rawvideo -pix_fmt gray - | head -c 1");
  EXPECT_NEAR(static_cast<uint8_t>(luma[0]), 255, 2) << "white stays white";
}

TEST_F(VideoTest, KeyframesAreAlignedAcrossRenditions) {
  const std::string source = MakeUsualSource(folder_, "a.mp4", 5);
  const MediaInfo media = ProbeOrDie(source);
  std::vector<double> keys[2];
  int which = 0;
  for (const int height : {90, 180}) {
    const TrackPlan plan = VideoPlan(media, height * 16 / 9, height, 2, "veryfast");
    const std::string out = folder_ / std::to_string(height);
    WriteFile(out, EncodeVideoSpan(source, media, plan, 0, plan.segments_total()).Whole());
    for (const ProbedPacket& packet : ProbePackets(out, "v")) {
      if (packet.key) keys[which].push_back(packet.pts);
    }
    ++which;
  }
  EXPECT_EQ(keys[0], keys[1]);
  EXPECT_EQ(keys[0].size(), 5U);
}

// Planar grey of picture `number` of a rendition.
std::string Grey(const std::string& path, int number) {
  return RunProgram("ffmpeg -v error -i '" + path + "' -vf 'select=eq(n\\," + std::to_string(number) +
                    ")' -frames:v 1 -f rawvideo -pix_fmt gray -");
}

TEST_F(VideoTest, InterlacedPicturesAreDeinterlacedThoughTheContainerDoesNotSaySo) {
  // A bar that moves 12 pixels a field: woven, every other line of its edges is set off.
  const std::string bar =
      "-f lavfi -i \"color=black:size=720x576:rate=50:duration=3,geq=lum='if(between(mod(N*12,W)-X,0,60),220,30)':cb=128:cr=128,"
      "interlace=scan=tff:lowpass=0\" ";
  for (const std::string& source : {
           MakeSource(folder_, "a.mkv",
                      bar + "-c:v libx264 -preset ultrafast -qp 10 -pix_fmt yuv420p -flags +ilme+ildct -x264-params tff=1"),
           MakeSource(folder_, "a.avi", bar + "-c:v dvvideo -pix_fmt yuv420p"),
       }) {
    const MediaInfo media = ProbeOrDie(source);
    const TrackPlan plan = VideoPlan(media, 720, 576, 1);
    WriteFile(folder_ / "out.mp4", EncodeVideoSpan(source, media, plan, 0, plan.segments_total()).Whole());
    const std::string grey = Grey(folder_ / "out.mp4", 20);
    ASSERT_EQ(grey.size(), 720U * 576U) << source;
    // How far lines that follow each other differ; woven fields give some 24 columns of 190.
    int64_t differ = 0;
    for (size_t y = 200; y < 380; ++y) {
      for (size_t x = 0; x < 720; ++x)
        differ += std::abs(static_cast<uint8_t>(grey[y * 720 + x]) - static_cast<uint8_t>(grey[(y + 1) * 720 + x]));
    }
    EXPECT_LT(static_cast<double>(differ) / 180, 800) << source;
    ExpectChunksEqualWhole(source, media, plan);
  }
}

TEST_F(VideoTest, WhatIsTransparentShowsBlack) {
  // Nothing is seen of the green outside the disc, where alpha is 0.
  const std::string disc =
      "-f lavfi -i \"color=black:size=320x240:rate=25:duration=1,format=rgba,geq=r='if(lt(hypot(X-160,Y-120),60),255,0)':"
      "g='if(lt(hypot(X-160,Y-120),60),0,255)':b=0:a='if(lt(hypot(X-160,Y-120),60),255,0)'\" ";
  for (const std::string& source : {
           MakeSource(folder_, "a.mov", disc + "-c:v prores_ks -profile:v 4444 -pix_fmt yuva444p10le"),
           MakeSource(folder_, "b.mov", disc + "-c:v qtrle -pix_fmt argb"),
           MakeSource(folder_, "c.webm", disc + "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuva420p"),
       }) {
    const MediaInfo media = ProbeOrDie(source);
    const TrackPlan plan = VideoPlan(media, 320, 240);
    WriteFile(folder_ / "out.mp4", EncodeVideoSpan(source, media, plan, 0, 1).Whole());
    const std::string rgb = RunProgram("ffmpeg -v error -i '" + folder_ / "out.mp4" + "' -frames:v 1 -f rawvideo -pix_fmt rgb24 -");
    ASSERT_EQ(rgb.size(), 320U * 240U * 3U) << source;
    const auto at = [&](size_t x, size_t y, size_t part) { return static_cast<uint8_t>(rgb[(y * 320 + x) * 3 + part]); };
    EXPECT_LT(at(20, 20, 0) + at(20, 20, 1) + at(20, 20, 2), 40) << source;
    EXPECT_GT(at(160, 120, 0), 200) << source;
    EXPECT_LT(at(160, 120, 1), 60) << source;
  }
}

TEST_F(VideoTest, APictureThatChangesItsShapeStandsBetweenBars) {
  const auto part = [&](const std::string& name, const std::string& size, const std::string& shape, int from) {
    return MakeSource(folder_, name,
                      "-f lavfi -i \"color=gray:size=" + size +
                          ":rate=25:duration=2,geq=lum='if(lt(hypot(X-W/2,Y-H/2),120),220,80)':cb=128:cr=128" + shape +
                          "\" -c:v libx264 -preset ultrafast -g 25 -muxdelay 0 -output_ts_offset " + std::to_string(from));
  };
  // A phone that is turned, and pixels that become wide ones.
  const std::string upright = part("a.ts", "640x360", "", 0), turned = part("b.ts", "360x640", "", 2),
                    wide = part("c.ts", "640x360", ",setsar=1/2", 2);
  for (const std::string& second : {turned, wide}) {
    WriteFile(folder_ / "both.ts", ReadFile(upright) + ReadFile(second));
    const MediaInfo media = ProbeOrDie(folder_ / "both.ts");
    ASSERT_EQ(media.video().width(), 640);
    const TrackPlan plan = VideoPlan(media, 640, 360, 1);
    WriteFile(folder_ / "out.mp4", EncodeVideoSpan(folder_ / "both.ts", media, plan, 0, plan.segments_total()).Whole());
    for (const int number : {10, 80}) {
      const std::string grey = Grey(folder_ / "out.mp4", number);
      ASSERT_EQ(grey.size(), 640U * 360U);
      const auto at = [&](size_t x, size_t y) { return static_cast<uint8_t>(grey[y * 640 + x]); };
      int high = 0, broad = 0;
      for (size_t y = 0; y < 360; ++y) high += at(320, y) > 150;
      for (size_t x = 0; x < 640; ++x) broad += at(x, 180) > 150;
      const bool squeezed = second == wide && number == 80;  // its disc is an ellipse of half the width
      EXPECT_NEAR(broad, squeezed ? high / 2 : high, 6) << second << " " << number;
      EXPECT_EQ(at(10, 180) < 30, number == 80) << "bars beside it";
    }
    ExpectChunksEqualWhole(folder_ / "both.ts", media, plan);
  }
}

}  // namespace
}  // namespace vora::media
