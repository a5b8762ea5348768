#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

#include "libs/media/audio/audio_grid.h"
#include "libs/media/probe/probe.h"
#include "libs/media/testing/test_media.h"

namespace vora::media {
namespace {

using media::v1::MediaInfo;
using media::v1::TrackPlan;

class AudioTest : public ::testing::Test {
 protected:
  // The times (s) at which the encoded audio becomes loud.
  std::vector<double> Beeps(const std::string& path) {
    const std::string pcm = RunProgram("ffmpeg -v error -i '" + path + "' -map 0:a -f s16le -ac 1 -ar 48000 -");
    std::vector<double> times;
    int quiet = 48000;
    for (size_t i = 0; i + 1 < pcm.size(); i += 2) {
      const int16_t value = static_cast<int16_t>(static_cast<uint8_t>(pcm[i]) | static_cast<uint8_t>(pcm[i + 1]) << 8);
      if (std::abs(value) < 3000) {
        ++quiet;
      } else {
        if (quiet > 9600) times.push_back(static_cast<double>(i) / 2 / 48000);
        quiet = 0;
      }
    }
    return times;
  }
  // The times (s) at which the encoded picture becomes white.
  std::vector<double> Flashes(const std::string& path, double fps) {
    const std::string gray = RunProgram("ffmpeg -v error -i '" + path + "' -map 0:v -vf scale=16:16 -f rawvideo -pix_fmt gray -");
    std::vector<double> times;
    bool white = false;
    for (size_t n = 0; (n + 1) * 256 <= gray.size(); ++n) {
      const bool now = static_cast<uint8_t>(gray[n * 256 + 100]) > 128;
      if (now && !white) times.push_back(static_cast<double>(n) / fps);
      white = now;
    }
    return times;
  }
  void ExpectInSync(const std::string& source, double within) {
    const MediaInfo media = ProbeOrDie(source);
    ASSERT_EQ(media.audio_size(), 1);
    const TrackPlan video = VideoPlan(media, 160, 90);
    const TrackPlan audio = AudioPlan(media, video);
    WriteFile(folder_ / "v.mp4", EncodeVideoSpan(source, media, video, 0, video.segments_total()).Whole());
    WriteFile(folder_ / "a.mp4", EncodeWholeAudio(source, media, audio).Whole());
    const std::vector<double> flashes = Flashes(folder_ / "v.mp4", static_cast<double>(video.frame_rate_num()) / video.frame_rate_den());
    const std::vector<double> beeps = Beeps(folder_ / "a.mp4");
    ASSERT_GE(flashes.size(), 3U);
    ASSERT_EQ(flashes.size(), beeps.size());
    for (size_t i = 0; i < beeps.size(); ++i) EXPECT_NEAR(beeps[i], flashes[i], within) << i;
  }
  // A white frame and a beep of 0.1 s at 1.5, 3.5, 5.5 ... s.
  std::string FlashAndBeep(const std::string& name, const std::string& rate, const std::string& output) {
    return MakeSource(folder_, name,
                      "-f lavfi -i \"color=black:size=320x180:rate=" + rate +
                          ":duration=8,drawbox=color=white:t=fill:enable='lt(mod(t+0.5,2),0.1)'\" -f lavfi -i "
                          "\"aevalsrc='0.8*sin(2*PI*1000*t)*lt(mod(t+0.5,2),0.1)':s=44100:d=8\" " +
                          output);
  }
  TempFolder folder_;
};

TEST_F(AudioTest, CutsNearestToTheSegmentTimes) {
  TrackPlan plan;
  plan.mutable_audio()->set_sample_rate(48000);
  plan.set_segments_total(4);
  plan.set_segment_seconds(4);
  const AudioGrid grid(plan, 12.001);
  EXPECT_EQ(grid.FirstFrame(0), 0);
  EXPECT_EQ(grid.FirstFrame(1), 188);  // 187.5
  EXPECT_EQ(grid.EndFrame(1), 375);
  EXPECT_EQ(grid.total_frames(), 564);  // at least one frame in the last segment
  EXPECT_GT(grid.EndFrame(3), grid.FirstFrame(3));
}

TEST_F(AudioTest, StaysInSyncWithThePicture) {
  ExpectInSync(FlashAndBeep("a.mp4", "30", "-c:v libx264 -preset ultrafast -bf 2 -c:a aac"), 0.034);
  ExpectInSync(FlashAndBeep("b.mkv", "25", "-c:v libx264 -preset ultrafast -c:a libmp3lame"), 0.04);
  ExpectInSync(FlashAndBeep("c.ts", "30000/1001", "-c:v libx264 -preset ultrafast -bf 2 -c:a aac"), 0.034);
}

TEST_F(AudioTest, LateAndEarlyAudioIsAligned) {
  const std::string plain = FlashAndBeep("a.mkv", "30", "-c:v libx264 -preset ultrafast -c:a pcm_s16le");
  // The audio begins 1 s later than the picture, and the picture 0.7 s later than the audio; in the original each flash meets its beep.
  const std::string late =
      MakeSource(folder_, "late.mkv", "-i '" + plain + "' -ss 1 -copyts -i '" + plain + "' -map 0:v -map 1:a -c copy -copyts");
  ExpectInSync(late, 0.034);
  const std::string early = MakeSource(
      folder_, "early.mkv",
      "-ss 0.7 -copyts -i '" + plain + "' -copyts -i '" + plain + "' -map 0:v -map 1:a -c:v libx264 -preset ultrafast -c:a copy -copyts");
  ExpectInSync(early, 0.04);
}

TEST_F(AudioTest, AGapInTheAudioIsSilence) {
  const std::string source =
      FlashAndBeep("gap.mkv", "30", "-af \"aselect='not(between(t,2,3))'\" -c:v libx264 -preset ultrafast -c:a pcm_s16le");
  ExpectInSync(source, 0.034);
}

TEST_F(AudioTest, SegmentsAreContinuousAndAsLongAsThePicture) {
  const std::string source = MakeUsualSource(folder_, "a.mp4", 7);
  const MediaInfo media = ProbeOrDie(source);
  const TrackPlan video = VideoPlan(media, 160, 90);
  const TrackPlan plan = AudioPlan(media, video);
  const EncodedTrack track = EncodeWholeAudio(source, media, plan);
  EXPECT_EQ(track.codecs, "mp4a.40.2");
  ASSERT_EQ(track.segments.size(), 4U);
  WriteFile(folder_ / "out.mp4", track.Whole());
  const std::vector<ProbedPacket> packets = ProbePackets(folder_ / "out.mp4", "a");
  for (size_t i = 0; i < packets.size(); ++i) EXPECT_NEAR(packets[i].pts, static_cast<double>(i) * 1024 / 48000, 1e-4);
  int64_t total = 0;
  for (const int64_t duration : track.durations) total += duration;
  EXPECT_NEAR(static_cast<double>(total) / 48000, 7, 0.022);
  EXPECT_EQ(EncodeWholeAudio(source, media, plan).Whole(), track.Whole()) << "a repeat gives the same bytes";
}

TEST_F(AudioTest, ChannelsWithoutSpeakersAreMixedByRule) {
  const std::string picture = "-f lavfi -i testsrc2=size=160x90:rate=25:duration=2 ";
  // A tone on the first of ten channels, which has no place: it is on the left, and not louder than it was.
  const std::string ten = MakeSource(
      folder_, "ten.mkv",
      picture +
          "-f lavfi -i \"aevalsrc='0.8*sin(2*PI*1000*t)|0|0|0|0|0|0|0|0|0':s=48000:d=2\" -c:v libx264 -preset ultrafast -c:a pcm_s16le");
  // Sound from the left: as much of W as of Y.
  RunProgram("ffmpeg -v error -f lavfi -i \"aevalsrc='0.4*sin(2*PI*1000*t)|0.4*sin(2*PI*1000*t)|0|0':s=48000:d=2\" -f s16le '" +
             folder_ / "four.pcm" + "'");
  const std::string ambisonic = MakeSource(folder_, "ambisonic.mkv",
                                           picture + "-f s16le -ar 48000 -ac 4 -i '" + folder_ / "four.pcm" +
                                               "' -c:v libx264 -preset ultrafast -c:a libopus -mapping_family 2 -b:a 256k");
  for (const std::string& source : {ten, ambisonic}) {
    const MediaInfo media = ProbeOrDie(source);
    ASSERT_EQ(media.audio_size(), 1) << source;
    const TrackPlan video = VideoPlan(media, 160, 90);
    WriteFile(folder_ / "a.mp4", EncodeWholeAudio(source, media, AudioPlan(media, video)).Whole());
    const auto peak = [&](const std::string& channel) {
      const std::string pcm =
          RunProgram("ffmpeg -v error -i '" + folder_ / "a.mp4" + "' -af pan=mono\\|c0=" + channel + " -f s16le -ar 48000 -");
      int most = 0;
      for (size_t i = 0; i + 1 < pcm.size(); i += 2) {
        most = std::max(most, std::abs(static_cast<int16_t>(static_cast<uint8_t>(pcm[i]) | static_cast<uint8_t>(pcm[i + 1]) << 8)));
      }
      return most / 32768.0;
    };
    EXPECT_GT(peak("c0"), 0.1) << source;
    EXPECT_LT(peak("c0"), 0.9) << source;
    EXPECT_LT(peak("c1"), 0.02) << source;
  }
}

}  // namespace
}  // namespace vora::media
