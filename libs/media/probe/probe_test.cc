#include "libs/media/probe/probe.h"

#include <gtest/gtest.h>

#include "libs/media/base/media_error.h"
#include "libs/media/pictures/poster.h"
#include "libs/media/testing/test_media.h"
#include "libs/testing/status_matchers.h"

namespace vora::media {
namespace {

using media::v1::MediaInfo;

std::string FaultOf(const std::string& path) {
  const StatusOr<MediaInfo> info = Probe(*OpenOrDie(path));
  if (info.ok()) return "none";
  const std::optional<MediaFault> fault = AsMediaFault(info.status());
  return fault.has_value() ? fault->code : ToText(info.status());
}

class ProbeTest : public ::testing::Test {
 protected:
  std::string File(const std::string& name, const std::string& bytes) {
    WriteFile(folder_ / name, bytes);
    return folder_ / name;
  }
  TempFolder folder_;
};

TEST_F(ProbeTest, NamesWhatIsWrongWithBadInput) {
  EXPECT_EQ(FaultOf(File("empty.mp4", "")), "media.empty");
  std::string text;
  for (int i = 0; i < 500; ++i) text += "This is only a letter, however it is named. Line " + std::to_string(i) + "\n";
  EXPECT_EQ(FaultOf(File("text.mp4", text)), "media.unreadable");
  EXPECT_EQ(FaultOf(File("zeros.mp4", std::string(100000, '\0'))), "media.unreadable");
  const std::string whole = ReadFile(MakeUsualSource(folder_, "whole.mp4", 2));
  EXPECT_EQ(FaultOf(File("no_moov.mp4", whole.substr(0, whole.size() / 2))), "media.truncated");
  EXPECT_EQ(FaultOf(MakeSource(folder_, "audio.m4a", "-f lavfi -i sine=duration=2 -c:a aac")), "media.no_video");
  EXPECT_EQ(FaultOf(MakeSource(folder_, "audio.mp3", "-f lavfi -i sine=duration=2 -c:a libmp3lame")), "media.no_video");
  EXPECT_EQ(FaultOf(MakeSource(folder_, "large.mkv", "-f lavfi -i color=size=8200x64:rate=5:duration=1 -c:v libx264 -preset ultrafast")),
            "media.too_large");
}

TEST_F(ProbeTest, NeverFollowsReferencesToOtherFiles) {
  const std::string victim = MakeUsualSource(folder_, "victim.mp4", 1);
  EXPECT_EQ(FaultOf(File("hls.mp4", "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://" + victim + "\n#EXT-X-ENDLIST\n")),
            "media.not_a_video");
  EXPECT_EQ(FaultOf(File("concat.mp4", "ffconcat version 1.0\nfile '" + victim + "'\n")), "media.not_a_video");
  EXPECT_EQ(FaultOf(File("sdp.mp4", "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n")),
            "media.not_a_video");
  EXPECT_EQ(
      FaultOf(File("dash.mp4", "<?xml version=\"1.0\"?><MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\"><Period><AdaptationSet><BaseURL>" +
                                   victim + "</BaseURL></AdaptationSet></Period></MPD>")),
      "media.not_a_video");
}

TEST_F(ProbeTest, CutOffFileKeepsWhatIsThere) {
  const std::string whole = ReadFile(MakeUsualSource(folder_, "front.mp4", 10, 640, 360, "30", "-movflags +faststart"));
  const std::string cut = File("cut.mp4", whole.substr(0, whole.size() / 2));
  const StatusOr<MediaInfo> info = Probe(*OpenOrDie(cut));
  ASSERT_THAT(info, IsOk());
  EXPECT_GT(info->duration_seconds(), 3);
  EXPECT_LT(info->duration_seconds(), 7);
  ASSERT_EQ(info->warnings_size(), 1);
  EXPECT_NE(info->warnings(0).find("cut off"), std::string::npos) << info->warnings(0);
  const auto plan = VideoPlan(*info, 160, 90);
  const EncodedTrack track = EncodeVideoSpan(cut, *info, plan, 0, plan.segments_total());
  EXPECT_EQ(track.segments.size(), static_cast<size_t>(plan.segments_total()));

  const std::string mkv = ReadFile(MakeUsualSource(folder_, "m.mkv", 30, 160, 90));
  const StatusOr<MediaInfo> half = Probe(*OpenOrDie(File("cut.mkv", mkv.substr(0, mkv.size() / 2))));
  ASSERT_THAT(half, IsOk());
  EXPECT_GT(half->duration_seconds(), 10);
  EXPECT_LT(half->duration_seconds(), 20);
}

TEST_F(ProbeTest, LengthIsFoundWhenTheContainerDoesNotKnowIt) {
  const std::string live = folder_ / "live.mkv";
  RunProgram(
      "ffmpeg -nostdin -v error -f lavfi -i testsrc2=size=160x90:rate=25:duration=25 -c:v libx264 -preset ultrafast -live 1 -f matroska - "
      "> '" +
      live + "'");
  StatusOr<MediaInfo> info = Probe(*OpenOrDie(live));
  ASSERT_THAT(info, IsOk());
  EXPECT_NEAR(info->duration_seconds(), 25, 0.05);
  EXPECT_EQ(info->video().frames(), 625);
  const std::string fragmented = MakeUsualSource(folder_, "frag.mp4", 6, 160, 90, "25", "-movflags +frag_keyframe+empty_moov");
  info = Probe(*OpenOrDie(fragmented));
  ASSERT_THAT(info, IsOk());
  EXPECT_EQ(info->video().frames(), 150);
}

TEST_F(ProbeTest, DescribesStreams) {
  const std::string source = MakeUsualSource(folder_, "a.mp4", 2, 320, 242, "30000/1001", "-metadata:s:a:0 language=deu");
  const StatusOr<MediaInfo> info = Probe(*OpenOrDie(source));
  ASSERT_THAT(info, IsOk());
  EXPECT_NE(info->container().find("mp4"), std::string::npos);
  EXPECT_EQ(info->video().codec(), "h264");
  EXPECT_EQ(info->video().width(), 320);
  EXPECT_EQ(info->video().height(), 242);
  EXPECT_EQ(info->video().frame_rate_num(), 30000);
  EXPECT_EQ(info->video().frame_rate_den(), 1001);
  EXPECT_EQ(info->video().pixel_format(), "yuv420p");
  EXPECT_EQ(info->video().color().transfer(), "") << "the file does not say";
  ASSERT_EQ(info->audio_size(), 1);
  EXPECT_EQ(info->audio(0).codec(), "aac");
  EXPECT_EQ(info->audio(0).language(), "de");
  EXPECT_EQ(info->audio(0).name(), "Deutsch");
  EXPECT_EQ(info->audio(0).sample_rate(), 44100);
  EXPECT_EQ(info->warnings_size(), 0);
  const std::string wide = MakeUsualSource(folder_, "wide.mp4", 2, 320, 242, "25",
                                           "-color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc -color_range tv");
  const StatusOr<MediaInfo> of_wide = Probe(*OpenOrDie(wide));
  ASSERT_THAT(of_wide, IsOk());
  const auto& color = of_wide->video().color();
  EXPECT_EQ(color.primaries() + " " + color.transfer() + " " + color.matrix() + " " + color.range(), "bt2020 smpte2084 bt2020nc tv");
}

TEST_F(ProbeTest, PosterPassesOverBlackPictures) {
  const std::string source =
      MakeSource(folder_, "late.mp4",
                 "-f lavfi -i color=black:size=1920x1080:rate=10:duration=3 -f lavfi -i "
                 "testsrc2=size=1920x1080:rate=10:duration=4 -filter_complex '[0][1]concat' -c:v libx264 -preset ultrafast");
  const StatusOr<MediaInfo> info = Probe(*OpenOrDie(source));
  ASSERT_THAT(info, IsOk());
  const StatusOr<std::string> poster = MakePoster(*OpenOrDie(source), *info, 0, 0);
  ASSERT_THAT(poster, IsOk());
  const std::string path = File("poster.jpg", *poster);
  EXPECT_EQ(RunProgram("ffprobe -v error -show_entries stream=codec_name,width,height -of csv=p=0 '" + path + "'"), "mjpeg,1280,720\n");
  EXPECT_GT(poster->size(), 20000U) << "a black picture would be small";
}

constexpr char kPictureAndTone[] =
    "-f lavfi -i testsrc2=size=160x90:rate=25:duration=4 -f lavfi -i sine=frequency=440:sample_rate=48000:duration=4 ";

TEST_F(ProbeTest, ASoundTrackThatHoldsNoSoundIsLeftOutAndSaysWhy) {
  const std::string empty = std::string(kPictureAndTone) + "-filter_complex '[1:a]aselect=0[a]' -map 0:v -map '[a]' ";
  struct Case {
    std::string name, arguments, why;
  };
  const Case cases[] = {
      {"empty.webm", empty + "-c:v libvpx -deadline realtime -cpu-used 8 -c:a libopus", "Audio track 1 (opus) is empty, and is left out."},
      {"empty.mkv", empty + "-c:v libx264 -preset ultrafast -c:a aac", "Audio track 1 (aac) is empty, and is left out."},
      {"empty.mp4", empty + "-c:v libx264 -preset ultrafast -c:a aac -movflags empty_moov+frag_keyframe+default_base_moof",
       "Audio track 1 (aac) is empty, and is left out."},
  };
  for (const Case& c : cases) {
    const std::string source = MakeSource(folder_, c.name, c.arguments);
    const StatusOr<MediaInfo> info = Probe(*OpenOrDie(source));
    ASSERT_THAT(info, IsOk()) << c.name;
    EXPECT_EQ(info->audio_size(), 0) << c.name;
    ASSERT_EQ(info->warnings_size(), 1) << c.name;
    EXPECT_EQ(info->warnings(0), c.why);
    EXPECT_NEAR(info->duration_seconds(), 4, 0.05) << c.name;
  }
}

TEST_F(ProbeTest, DamagedAndEncryptedTracksAreCalledWhatTheyAre) {
  const std::string key =
      " -encryption_scheme cenc-aes-ctr -encryption_key 76a6c65c5ea762046bd749a2e632ccbb -encryption_kid "
      "a7e61c373e219033c21091fa607bf3b8 ";
  const std::string locked =
      MakeSource(folder_, "locked.mp4", kPictureAndTone + std::string("-c:v libx264 -preset ultrafast -c:a aac") + key);
  EXPECT_EQ(FaultOf(locked), "media.encrypted");
  // A track of bytes that no decoder takes, beside one that is fine.
  const std::string whole =
      MakeSource(folder_, "two.mkv",
                 kPictureAndTone + std::string("-map 0:v -map 1:a -map 1:a -c:v libx264 -preset ultrafast -c:a:0 flac -c:a:1 pcm_s16le"));
  const std::string broken = MakeSource(folder_, "broken.mkv", "-i '" + whole + "' -map 0 -c copy -bsf:a:0 noise=amount=1");
  const StatusOr<MediaInfo> info = Probe(*OpenOrDie(broken));
  ASSERT_THAT(info, IsOk());
  ASSERT_EQ(info->warnings_size(), 1);
  EXPECT_EQ(info->warnings(0), "Audio track 1 (flac) is damaged: nothing of it can be decoded, and is left out.");
  ASSERT_EQ(info->audio_size(), 1);
  EXPECT_EQ(info->audio(0).stream_index(), 2);
}

TEST_F(ProbeTest, TheFilmIsTakenAndNotACoverOrAPreview) {
  struct Case {
    std::string name, first;
    int width;
  };
  const std::string film = "-f lavfi -i testsrc2=size=640x360:rate=30:duration=4 ";
  const std::string coded = " -map 0:v -map 1:v -c:v:0 mjpeg -pix_fmt:v:0 yuvj420p -c:v:1 libx264 -preset ultrafast -pix_fmt:v:1 yuv420p ";
  const std::string cover = "-f lavfi -i color=red:size=320x180:rate=1:duration=1,trim=end_frame=1 ";
  const std::string preview = "-f lavfi -i color=red:size=1280x720:rate=1:duration=4 ";
  for (const std::string& source : {
           MakeSource(folder_, "cover.mp4", cover + film + coded + "-disposition:v:0 default -disposition:v:1 default"),
           MakeSource(folder_, "cover.mkv", cover + film + coded + "-disposition:v:0 default -disposition:v:1 0"),
           MakeSource(folder_, "preview.mp4", preview + film + coded),
           MakeSource(folder_, "preview.mkv", preview + film + coded),
       }) {
    const StatusOr<MediaInfo> info = Probe(*OpenOrDie(source));
    ASSERT_THAT(info, IsOk()) << source;
    EXPECT_EQ(info->video().width(), 640) << source;
    EXPECT_NEAR(info->duration_seconds(), 4, 0.05) << source;
  }
  // A film of a picture a second is one all the same.
  EXPECT_EQ(
      ProbeOrDie(MakeSource(folder_, "slow.mp4", "-f lavfi -i testsrc2=size=640x360:rate=1:duration=4 -c:v libx264 -preset ultrafast"))
          .video()
          .width(),
      640);
}

std::string Sounds(const MediaInfo& media) {
  std::string text;
  for (const auto& audio : media.audio()) {
    text += std::to_string(audio.stream_index()) + " " + audio.name() + " [" + audio.language() + "] " + audio.role() + "\n";
  }
  return text;
}

TEST_F(ProbeTest, EverySoundIsKnownAndTheFilmsOwnComesFirst) {
  const std::string inputs =
      "-f lavfi -i testsrc2=size=160x90:rate=25:duration=2 -f lavfi -i sine=frequency=440:duration=2 -f lavfi -i "
      "sine=frequency=1000:duration=2 ";
  const std::string coded = "-c:v libx264 -preset ultrafast -c:a aac ";
  EXPECT_EQ(
      Sounds(ProbeOrDie(MakeSource(folder_, "default.mkv",
                                   inputs + "-map 0:v -map 1:a -map 2:a " + coded + "-disposition:a:0 comment -disposition:a:1 default"))),
      "2 Audio [] \n1 Commentary [] commentary\n");
  // Marked as default by a muxer that marks the first of anything.
  EXPECT_EQ(
      Sounds(ProbeOrDie(MakeSource(
          folder_, "first.mkv", inputs + "-map 0:v -map 1:a -map 2:a " + coded + "-disposition:a:0 default+comment -disposition:a:1 0"))),
      "2 Audio [] \n1 Commentary [] commentary\n");
  EXPECT_EQ(Sounds(ProbeOrDie(MakeSource(
                folder_, "languages.mp4",
                inputs + "-map 0:v -map 1:a -map 2:a -map 1:a -map 2:a " + coded +
                    "-metadata:s:a:0 language=eng -metadata:s:a:1 language=deu -metadata:s:a:2 language=eng -metadata:s:a:3 language=fre "
                    "-disposition:a:0 0 -disposition:a:1 default -disposition:a:3 visual_impaired"))),
            "2 Deutsch [de] \n1 English [en] \n3 English 2 [en] \n4 Français (audio description) [fr] description\n");
  // Two recordings in one broadcast.
  EXPECT_EQ(
      Sounds(ProbeOrDie(MakeSource(folder_, "programs.ts",
                                   inputs + "-f lavfi -i testsrc2=size=320x180:rate=25:duration=2 -map 0:v -map 1:a -map 3:v -map 2:a " +
                                       coded + "-program st=0:st=1 -program st=2:st=3"))),
      "3 Audio [] \n");
}

}  // namespace
}  // namespace vora::media
