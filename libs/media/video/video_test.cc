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

}  // namespace
}  // namespace vora::media
