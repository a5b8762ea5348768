#include "libs/media/captions/subtitles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/media/probe/probe.h"
#include "libs/media/testing/test_media.h"
#include "libs/testing/status_matchers.h"

namespace vora::media {
namespace {

using media::v1::MediaInfo;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class SubtitlesTest : public ::testing::Test {
 protected:
  std::string File(const std::string& name, const std::string& text) {
    WriteFile(folder_ / name, text);
    return "-i '" + folder_ / name + "' ";
  }
  // 20 s of picture with these inputs' subtitles.
  std::string Video(const std::string& name, const std::string& inputs, const std::string& arguments) {
    return MakeSource(folder_, name,
                      "-f lavfi -i testsrc2=size=160x90:rate=10:duration=20 " + inputs + " -map 0:v " + arguments +
                          " -c:v libx264 -preset ultrafast -g 20");
  }
  void Extract(const std::string& path) {
    const StatusOr<MediaInfo> media = Probe(*OpenOrDie(path));
    ASSERT_THAT(media, IsOk());
    media_ = *media;
    tracks_.clear();
    warnings_.clear();
    const Status status = ExtractSubtitles(
        *OpenOrDie(path), media_,
        [&](SubtitleTrack track) {
          tracks_.push_back(std::move(track));
          return Status();
        },
        &warnings_);
    EXPECT_THAT(status, IsOk());
  }

  TempFolder folder_;
  MediaInfo media_;
  std::vector<SubtitleTrack> tracks_;
  std::vector<std::string> warnings_;
};

constexpr char kEnglish[] =
    "1\n00:00:01,000 --> 00:00:02,500\nHello <i>there</i>\nsecond line\n\n"
    "2\n00:00:04,000 --> 00:00:06,000\nTom & Jerry <script>alert(1)</script> a --> b, 1 < 2\n\n"
    "3\n00:00:18,000 --> 00:00:24,000\nbeyond the end\n";
constexpr char kHebrew[] = "1\n00:00:01,000 --> 00:00:02,000\n\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d, \xd7\xa2\xd7\x95\xd7\x9c\xd7\x9d!\n";

TEST_F(SubtitlesTest, TwoLanguagesOneFromTheRightInEveryContainer) {
  const std::string inputs = File("en.srt", kEnglish) + File("he.srt", kHebrew);
  const std::string tags =
      "-map 1:s -map 2:s -metadata:s:s:0 language=eng -metadata:s:s:1 language=heb -metadata:s:s:1 title='Full \"text\"' -metadata:s:s:1 "
      "handler_name='Full \"text\"' ";
  const std::string english =
      "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nHello there\nsecond line\n\n"
      "00:00:04.000 --> 00:00:06.000\nTom &amp; Jerry alert(1) a --&gt; b, 1 &lt; 2\n\n"
      "00:00:18.000 --> 00:00:20.000\nbeyond the end\n";
  for (const auto& [name, codec] : {std::pair{"a.mp4", "mov_text"}, {"a.mkv", "subrip"}, {"b.mkv", "ass"}, {"c.mkv", "webvtt"}}) {
    Extract(Video(name, inputs, tags + "-c:s " + codec));
    ASSERT_EQ(media_.subtitles_size(), 2) << name;
    EXPECT_EQ(media_.subtitles(0).codec(), codec);
    EXPECT_EQ(media_.subtitles(0).language(), "en");
    EXPECT_EQ(media_.subtitles(1).language(), "he");
    ASSERT_EQ(tracks_.size(), 2U) << codec;
    // Markup that is none is text, or gone where the container's own format has no place for it.
    if (std::string(codec) != "webvtt") {
      EXPECT_EQ(tracks_[0].vtt, english) << codec;
    }
    EXPECT_THAT(tracks_[0].vtt, Not(HasSubstr("<"))) << codec;
    EXPECT_EQ(tracks_[1].vtt, std::string("WEBVTT\n\n00:00:01.000 --> 00:00:02.000\n") + (kHebrew + 32)) << codec;
    EXPECT_THAT(warnings_, IsEmpty());
    const auto captions = PlanCaptions(media_);
    EXPECT_EQ(captions[0].track(), "subs_en");
    EXPECT_EQ(captions[0].name(), "English");
    EXPECT_EQ(captions[1].name(), "Full \"text\"");
  }
}

TEST_F(SubtitlesTest, StyledAssBecomesPlain) {
  const std::string ass =
      "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname, Fontsize\nStyle: Default,Arial,20\n\n[Events]\n"
      "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
      "Dialogue: 0,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\an8\\fad(200,200)\\c&HFF00FF&}Up, {\\b1}here{\\b0}\\Nand below\n"
      "Dialogue: 1,0:00:01.00,0:00:02.00,Default,,0,0,0,,{\\blur5}Up, here\\Nand below\n"
      "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,{\\p1}m 0 0 l 100 0 100 100{\\p0}\n"
      "Comment: 0,0:00:05.00,0:00:06.00,Default,,0,0,0,,nobody sees this\n";
  Extract(Video("a.mkv", File("a.ass", ass), "-map 1:s -c:s ass"));
  ASSERT_EQ(tracks_.size(), 1U);
  EXPECT_EQ(tracks_[0].vtt, "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nUp, here\nand below\n");
  EXPECT_EQ(media_.subtitles(0).language(), "und");
  EXPECT_EQ(PlanCaptions(media_)[0].track(), "subs_und");
  EXPECT_EQ(PlanCaptions(media_)[0].name(), "Subtitles");
}

TEST_F(SubtitlesTest, BrokenTextIsLeftOutAndSaid) {
  std::string bytes = ReadFile(Video("a.mkv", File("en.srt", kEnglish), "-map 1:s -c:s subrip -metadata:s:s:0 language=eng"));
  const size_t at = bytes.find("second line");
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 4, "\xff\xfe\xe9\x80");
  WriteFile(folder_ / "broken.mkv", bytes);
  Extract(folder_ / "broken.mkv");
  ASSERT_EQ(tracks_.size(), 1U);
  EXPECT_EQ(tracks_[0].cues, 2);
  EXPECT_THAT(warnings_, ElementsAre("Subtitle track 1 (subrip, en) holds one entry that cannot be read and is left out."));

  Extract(Video("none.mkv", File("none.srt", "1\n00:00:01,000 --> 00:00:02,000\n{\\an8} \n"), "-map 1:s -c:s subrip"));
  EXPECT_THAT(tracks_, IsEmpty());
  EXPECT_THAT(warnings_, ElementsAre("Subtitle track 1 (subrip, und) is empty and left out."));
}

TEST_F(SubtitlesTest, PicturesAreNoText) {
  const std::string text = Video("text.mkv", File("en.srt", kEnglish), "-map 1:s -c:s subrip");
  // An empty VobSub track: a real one cannot be made from text here.
  std::string bytes = ReadFile(text);
  const size_t at = bytes.find("S_TEXT/UTF8");
  ASSERT_NE(at, std::string::npos);
  bytes.replace(at, 11, "S_VOBSUB\0\0\0", 11);
  WriteFile(folder_ / "pictures.mkv", bytes);
  Extract(folder_ / "pictures.mkv");
  EXPECT_EQ(media_.subtitles_size(), 0);
  EXPECT_THAT(media_.warnings(), ElementsAre("Subtitle track 1 (dvd_subtitle, und) consists of pictures, not of text, and is left out."));
}

TEST_F(SubtitlesTest, CuesStandOnThePresentationsClock) {
  // The picture of a transport stream never begins at 0, and neither does this one's.
  const std::string late = Video("late.mkv", File("en.srt", kEnglish), "-map 1:s -c:s subrip -output_ts_offset 7");
  Extract(late);
  ASSERT_GT(media_.video().start_seconds(), 6.9);
  ASSERT_EQ(tracks_.size(), 1U);
  EXPECT_THAT(tracks_[0].vtt, HasSubstr("\n00:00:01.000 --> 00:00:02.500\nHello there\n"));
}

TEST(PlanCaptionsTest, FoldersAndNamesAreUnique) {
  MediaInfo media;
  for (const char* language : {"en", "en", "und", "../x", "en"}) media.add_subtitles()->set_language(language);
  media.mutable_subtitles(1)->set_hearing_impaired(true);
  media.mutable_subtitles(4)->set_forced(true);
  media.mutable_subtitles(4)->set_title("English");
  std::vector<std::string> all;
  for (const auto& caption : PlanCaptions(media)) all.push_back(caption.track() + "=" + caption.name());
  EXPECT_THAT(all, ElementsAre("subs_en=English", "subs_en_2=English (SDH)", "subs_und=Subtitles", "subs_und_2=Subtitles 2",
                               "subs_en_3=English 2"));
}

}  // namespace
}  // namespace vora::media
