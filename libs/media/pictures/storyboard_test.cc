#include "libs/media/pictures/storyboard.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/media/probe/probe.h"
#include "libs/media/testing/test_media.h"
#include "libs/testing/status_matchers.h"

namespace vora::media {
namespace {

using media::v1::MediaInfo;
using ::testing::HasSubstr;
using ::testing::StartsWith;

MediaInfo Describe(int width, int height, double seconds) {
  MediaInfo media;
  media.mutable_video()->set_width(width);
  media.mutable_video()->set_height(height);
  media.set_duration_seconds(seconds);
  return media;
}

TEST(StoryboardPlanTest, AtMost300TilesAtLeastASecondApart) {
  const auto plan = [](double seconds) { return PlanStoryboard(Describe(1920, 1080, seconds)); };
  EXPECT_EQ(plan(0.04).tiles, 1);
  EXPECT_EQ(plan(10).tiles, 10);
  EXPECT_EQ(plan(10.2).tiles, 11);
  EXPECT_EQ(plan(300).tiles, 300);
  EXPECT_EQ(plan(300).interval_seconds, 1);
  EXPECT_EQ(plan(301).interval_seconds, 2);
  EXPECT_EQ(plan(301).tiles, 151);
  EXPECT_EQ(plan(7200).interval_seconds, 24);
  EXPECT_EQ(plan(7200).tiles, 300);
  for (double seconds = 0.5; seconds < 50000; seconds *= 1.07) EXPECT_LE(plan(seconds).tiles, 300) << seconds;
}

TEST(StoryboardPlanTest, TilesKeepTheShape) {
  const auto size = [](int width, int height) {
    const StoryboardPlan plan = PlanStoryboard(Describe(width, height, 5));
    return std::to_string(plan.tile_width) + "x" + std::to_string(plan.tile_height);
  };
  EXPECT_EQ(size(1920, 1080), "160x90");
  EXPECT_EQ(size(1080, 1920), "160x284");
  EXPECT_EQ(size(1920, 800), "160x66");
  EXPECT_EQ(size(100, 8000), "4x288");
  EXPECT_EQ(size(8000, 16), "160x2");
  EXPECT_EQ(size(64, 48), "64x48") << "never enlarged";
}

TEST(StoryboardPlanTest, CuesNameTiles) {
  EXPECT_EQ(StoryboardVtt(PlanStoryboard(Describe(1920, 1080, 1.5))),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nstoryboard_0.jpg#xywh=0,0,160,90\n\n"
            "00:00:01.000 --> 00:00:01.500\nstoryboard_0.jpg#xywh=160,0,160,90\n");
  const std::string longer = StoryboardVtt(PlanStoryboard(Describe(1920, 1080, 7200)));
  EXPECT_THAT(longer, HasSubstr("\n01:59:36.000 --> 02:00:00.000\nstoryboard_2.jpg#xywh=1440,810,160,90\n"));
  EXPECT_THAT(longer, HasSubstr("\n00:04:24.000 --> 00:04:48.000\nstoryboard_0.jpg#xywh=160,90,160,90\n"));
}

struct Made {
  Status status;
  std::vector<std::string> sheets;
};

Made Make(const std::string& path) {
  const StatusOr<MediaInfo> media = Probe(*OpenOrDie(path));
  if (!media.ok()) return {media.status(), {}};
  Made made;
  made.status = MakeStoryboard(*OpenOrDie(path), *media, [&](int sheet, std::string jpeg) {
    EXPECT_EQ(sheet, static_cast<int>(made.sheets.size()));
    made.sheets.push_back(std::move(jpeg));
    return Status();
  });
  return made;
}

class StoryboardTest : public ::testing::Test {
 protected:
  std::string SizeOf(const std::string& jpeg) {
    WriteFile(folder_ / "s.jpg", jpeg);
    return RunProgram("ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 '" + folder_ / "s.jpg" + "'");
  }
  // Mean luma of the tile at (x, y).
  int Luma(const std::string& jpeg, int x, int y, int width, int height) {
    WriteFile(folder_ / "s.jpg", jpeg);
    const std::string crop = std::to_string(width) + ":" + std::to_string(height) + ":" + std::to_string(x) + ":" + std::to_string(y);
    const std::string pixel = RunProgram("ffmpeg -nostdin -v error -i '" + folder_ / "s.jpg" + "' -vf 'crop=" + crop +
                                         ",format=gray,scale=1:1:flags=area' -f rawvideo - ");
    return static_cast<unsigned char>(pixel.at(0));
  }
  TempFolder folder_;
};

TEST_F(StoryboardTest, EveryTileShowsItsTimeWhereverKeyFramesAre) {
  // Brightness tells the second: tile n must have been taken within second n.
  const std::string stairs =
      "-f lavfi -i \"color=black:size=320x180:rate=25:duration=12,format=gray,geq=lum='20+floor(T)*18'\" -pix_fmt yuv420p ";
  for (const std::string codec :
       {"-c:v libx264 -preset ultrafast -g 25", "-c:v libx264 -preset ultrafast -bf 3 -g 500 -sc_threshold 0", "-c:v mpeg4 -q:v 3 -g 60"}) {
    for (const char* name : {"a.mp4", "a.mkv", "a.ts"}) {
      const Made made = Make(MakeSource(folder_, name, stairs + codec));
      ASSERT_THAT(made.status, IsOk());
      ASSERT_EQ(made.sheets.size(), 1U);
      EXPECT_EQ(SizeOf(made.sheets[0]), "mjpeg,1600,180\n");
      for (int tile = 0; tile < 12; ++tile) {
        const int expected = 20 + tile * 18;
        EXPECT_NEAR(Luma(made.sheets[0], tile % 10 * 160, tile / 10 * 90, 160, 90), expected, 8) << name << " " << codec << " " << tile;
      }
    }
  }
}

TEST_F(StoryboardTest, RotatedAndPortraitPicturesStandUpright) {
  const std::string flat = MakeUsualSource(folder_, "flat.mp4", 3, 320, 180);
  const std::string turned = folder_ / "turned.mp4";
  RunProgram("ffmpeg -nostdin -v error -display_rotation 90 -i '" + flat + "' -c copy '" + turned +
             "' 2>&1 || ffmpeg -nostdin -v error -y -i '" + flat + "' -c copy -metadata:s:v rotate=90 '" + turned + "' 2>&1");
  const Made made = Make(turned);
  ASSERT_THAT(made.status, IsOk());
  EXPECT_EQ(SizeOf(made.sheets.at(0)), "mjpeg,480,284\n");
  const Made portrait = Make(MakeUsualSource(folder_, "portrait.mkv", 2, 180, 320));
  ASSERT_THAT(portrait.status, IsOk());
  EXPECT_EQ(SizeOf(portrait.sheets.at(0)), "mjpeg,320,284\n");
}

TEST_F(StoryboardTest, OneFrameAndNoAudioAndOddSizes) {
  const Made one =
      Make(MakeSource(folder_, "one.mp4", "-f lavfi -i testsrc2=size=64x48:rate=25 -frames:v 1 -c:v libx264 -preset ultrafast"));
  ASSERT_THAT(one.status, IsOk());
  ASSERT_EQ(one.sheets.size(), 1U);
  EXPECT_EQ(SizeOf(one.sheets[0]), "mjpeg,64,48\n");
  const Made odd = Make(MakeSource(folder_, "odd.mkv", "-f lavfi -i testsrc2=size=171x97:rate=10:duration=3 -c:v ffv1"));
  ASSERT_THAT(odd.status, IsOk());
  EXPECT_EQ(SizeOf(odd.sheets.at(0)), "mjpeg,480,90\n");
}

TEST_F(StoryboardTest, TenBlackMinutesAreThreeSheetsAndTheSameBytesEachTime) {
  const std::string source =
      MakeSource(folder_, "black.mp4", "-f lavfi -i color=black:size=320x180:rate=5:duration=600 -c:v libx264 -preset ultrafast");
  const Made first = Make(source), second = Make(source);
  ASSERT_THAT(first.status, IsOk());
  ASSERT_EQ(first.sheets.size(), 3U);
  EXPECT_TRUE(first.sheets == second.sheets);
  EXPECT_EQ(SizeOf(first.sheets[0]), "mjpeg,1600,900\n");
  EXPECT_EQ(Luma(first.sheets[2], 1440, 810, 160, 90), 0);
}

TEST_F(StoryboardTest, ADamagedMiddleRepeatsAndTheEndComes) {
  std::string bytes = ReadFile(MakeUsualSource(folder_, "a.mkv", 12, 320, 180, "25", "-g 25"));
  for (size_t i = bytes.size() / 3; i < bytes.size() / 2; ++i) bytes[i] = static_cast<char>(i * 31);
  WriteFile(folder_ / "damaged.mkv", bytes);
  const Made made = Make(folder_ / "damaged.mkv");
  ASSERT_THAT(made.status, IsOk());
  EXPECT_EQ(made.sheets.size(), 1U);
}

TEST_F(StoryboardTest, AnErrorOfTheTakerEndsIt) {
  const std::string source = MakeUsualSource(folder_, "a.mp4", 2, 160, 90);
  const MediaInfo media = *Probe(*OpenOrDie(source));
  const Status status = MakeStoryboard(*OpenOrDie(source), media, [](int, std::string) { return Unavailable("the store is away"); });
  EXPECT_THAT(ToText(status), StartsWith("UNAVAILABLE"));
}

}  // namespace
}  // namespace vora::media
