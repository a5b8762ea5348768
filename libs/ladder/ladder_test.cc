#include "libs/ladder/ladder.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <cmath>

#include "libs/core/error.h"
#include "libs/ladder/device_warnings.h"
#include "libs/ladder/h264_level.h"
#include "libs/testing/status_matchers.h"

namespace vora::ladder {
namespace {

using media::v1::Ladder;
using media::v1::MediaInfo;
using media::v1::Plan;
using ::testing::HasSubstr;

MediaInfo Media(int width, int height, int num, int den, int64_t frames) {
  MediaInfo media;
  auto* video = media.mutable_video();
  video->set_width(width);
  video->set_height(height);
  video->set_frame_rate_num(num);
  video->set_frame_rate_den(den);
  video->set_frames(frames);
  media.set_duration_seconds(static_cast<double>(frames) * den / num);
  auto* audio = media.add_audio();
  audio->set_stream_index(1);
  audio->set_sample_rate(44100);
  return media;
}

Plan MustPlan(const MediaInfo& media) {
  auto plan = MakePlan(media, DefaultLadder());
  EXPECT_THAT(plan, IsOk());
  return plan.ok() ? *plan : Plan();
}

std::string Sizes(const Plan& plan) {
  std::string text;
  for (const auto& track : plan.tracks()) {
    if (track.kind() != "video") continue;
    text += track.name() + "=" + std::to_string(track.width()) + "x" + std::to_string(track.height()) + " ";
  }
  return text;
}

TEST(LadderTest, TheDefaultIsValidAndSurvivesJson) {
  EXPECT_THAT(ValidateLadder(DefaultLadder()), IsOk());
  std::string json;
  ASSERT_THAT(google::protobuf::util::MessageToJsonString(DefaultLadder(), &json), IsOk());
  const auto parsed = ParseLadder(json);
  ASSERT_THAT(parsed, IsOk());
  EXPECT_EQ(parsed->SerializeAsString(), DefaultLadder().SerializeAsString());
}

TEST(LadderTest, WhatIsShippedIsValidAndPlaysEverywhere) {
  std::string names;
  for (const Ladder& ladder : ShippedLadders()) {
    SCOPED_TRACE(ladder.name());
    EXPECT_THAT(ValidateLadder(ladder), IsOk());
    EXPECT_NE(ladder.description(), "");
    if (ladder.name() != "archive") {
      EXPECT_THAT(DeviceWarnings(ladder), ::testing::IsEmpty());
    }
    names += ladder.name() + " ";
  }
  EXPECT_EQ(names, "4k archive audio-only default hd mobile ");
}

TEST(LadderTest, WhatIsNotGivenGetsTheUsualValue) {
  const auto ladder = ParseLadder(R"({"name": "small", "rungs": [{"height": 360, "max_bitrate": 800000}]})");
  ASSERT_THAT(ladder, IsOk());
  EXPECT_EQ(ladder->rungs(0).SerializeAsString(), DefaultLadder().rungs(0).SerializeAsString());
  EXPECT_EQ(ladder->audio().SerializeAsString(), DefaultLadder().audio().SerializeAsString());
  EXPECT_EQ(ladder->segment_seconds(), 4);
}

TEST(LadderTest, WithoutRungsTheSoundIsMadeAlone) {
  Ladder ladder = DefaultLadder();
  ladder.clear_rungs();
  const auto plan = MakePlan(Media(1280, 720, 30, 1, 300), ladder);
  ASSERT_THAT(plan, IsOk());
  ASSERT_EQ(plan->tracks_size(), 1);
  EXPECT_EQ(plan->tracks(0).name(), "audio_0");
  EXPECT_EQ(plan->tracks(0).segments_total(), 3);
  EXPECT_EQ(plan->chunks_size(), 0);
  MediaInfo silent = Media(1280, 720, 30, 1, 300);
  silent.clear_audio();
  EXPECT_THAT(MakePlan(silent, ladder), StatusIs(StatusCode::kFailedPrecondition));
}

TEST(DeviceWarningsTest, NameTheRungAndTheLimit) {
  Ladder ladder = DefaultLadder();
  ladder.mutable_rungs(2)->set_height(4320);
  EXPECT_THAT(DeviceWarnings(ladder), ::testing::ElementsAre(HasSubstr("1080p: no phone or television")));
  ladder = DefaultLadder();
  ladder.mutable_rungs(2)->set_max_bitrate(100'000'000);
  EXPECT_THAT(DeviceWarnings(ladder), ::testing::ElementsAre(HasSubstr("up to 100 Mbit/s is more than most networks carry")));
  ladder.mutable_rungs()->DeleteSubrange(0, 2);
  EXPECT_THAT(DeviceWarnings(ladder), ::testing::Contains(HasSubstr("add one of at most 1500 kbit/s")));
  // A very long picture has more macroblocks than its height tells.
  ladder = DefaultLadder();
  ladder.mutable_rungs(2)->set_height(2160);
  const auto plan = MakePlan(Media(7680, 2160, 60, 1, 600), ladder);
  ASSERT_THAT(plan, IsOk());
  EXPECT_THAT(DeviceWarnings(*plan), ::testing::ElementsAre(HasSubstr("1080p: needs H.264 level 6.")));
}

std::string Mistake(const std::function<void(Ladder&)>& change) {
  Ladder ladder = DefaultLadder();
  change(ladder);
  const Status status = ValidateLadder(ladder);
  EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument));
  return Message(status);
}

TEST(LadderTest, MistakesNameTheFieldAndTheLimit) {
  EXPECT_EQ(Mistake([](Ladder& l) { l.set_segment_seconds(11); }), "segment_seconds: must be 1 to 10, not 11");
  EXPECT_EQ(Mistake([](Ladder& l) { l.set_segment_seconds(std::nan("")); }).substr(0, 31), "segment_seconds: must be 1 to 1");
  EXPECT_EQ(Mistake([](Ladder& l) { l.set_gop_seconds(1.5); }), "segment_seconds: must be a whole multiple of gop_seconds");
  EXPECT_EQ(Mistake([](Ladder& l) { l.set_name("My ladder"); }), "name: must be 1 to 32 of a-z, 0-9, _ and -, not \"My ladder\"");
  EXPECT_THAT(Mistake([](Ladder& l) { l.set_description(std::string(501, 'x')); }), HasSubstr("description: "));
  EXPECT_THAT(Mistake([](Ladder& l) {
                for (int i = 0; i < 8; ++i) *l.add_rungs() = l.rungs(2);
              }),
              HasSubstr("rungs: must be 0 to 10, not 11"));
  EXPECT_THAT(Mistake([](Ladder& l) { l.mutable_rungs(1)->set_name("r1"); }), HasSubstr("rungs[1].name: must not be r and a number"));
  EXPECT_THAT(Mistake([](Ladder& l) { l.mutable_rungs(1)->set_name("../x"); }), HasSubstr("rungs[1].name: must be 1 to 32 of"));
  EXPECT_THAT(Mistake([](Ladder& l) { l.mutable_rungs(1)->set_name("audio_0"); }), HasSubstr("rungs[1].name"));
  EXPECT_EQ(Mistake([](Ladder& l) { l.mutable_rungs(1)->set_name("360p"); }), "rungs[1].name: \"360p\" is used twice");
  EXPECT_THAT(Mistake([](Ladder& l) { l.mutable_rungs(0)->set_height(800); }), HasSubstr("rungs[1].height"));
  EXPECT_EQ(Mistake([](Ladder& l) { l.mutable_rungs(2)->set_codec("vp9"); }), "rungs[2].codec: must be one of h264, not \"vp9\"");
  EXPECT_EQ(Mistake([](Ladder& l) { l.mutable_rungs(2)->set_max_bitrate(1); }), "rungs[2].max_bitrate: must be 50000 to 200000000, not 1");
  EXPECT_THAT(Mistake([](Ladder& l) { l.mutable_rungs(0)->set_preset("placebo; rm"); }), HasSubstr("rungs[0].preset"));
  EXPECT_THAT(Mistake([](Ladder& l) { l.mutable_audio()->set_sample_rate(8000); }), HasSubstr("audio.sample_rate"));
  EXPECT_EQ(Mistake([](Ladder& l) { l.clear_audio(); }), "audio: must be given");
  EXPECT_THAT(ParseLadder("{]"), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(ParseLadder("{\"nmae\": \"x\"}"), StatusIs(StatusCode::kInvalidArgument)) << "unknown fields are mistakes";
}

TEST(PlanTest, EverySoundIsATrack) {
  MediaInfo media = Media(640, 360, 30, 1, 300);
  media.mutable_audio(0)->set_name("English");
  auto* other = media.add_audio();
  other->set_stream_index(4);
  other->set_language("de");
  other->set_name("Deutsch");
  other->set_role("commentary");
  const Plan plan = MustPlan(media);
  ASSERT_EQ(plan.tracks_size(), 3);
  EXPECT_EQ(plan.tracks(1).name() + " " + plan.tracks(1).label(), "audio_0 English");
  EXPECT_EQ(plan.tracks(2).name() + " " + plan.tracks(2).label() + " " + plan.tracks(2).language() + " " + plan.tracks(2).role(),
            "audio_1 Deutsch de commentary");
  EXPECT_EQ(plan.tracks(2).source_stream_index(), 4);
  const auto first = MakePlan(media, DefaultLadder(), AudioTracks::kFirst);
  ASSERT_THAT(first, IsOk());
  EXPECT_EQ(first->tracks_size(), 2);
}

TEST(PlanTest, FullHdGetsEveryRung) {
  const Plan plan = MustPlan(Media(1920, 1080, 30, 1, 1800));
  EXPECT_EQ(Sizes(plan), "360p=640x360 720p=1280x720 1080p=1920x1080 ");
  const auto& track = plan.tracks(2);
  EXPECT_EQ(track.frames_per_segment(), 120);
  EXPECT_EQ(track.frames_per_gop(), 60);
  EXPECT_EQ(track.segments_total(), 15);
  EXPECT_EQ(track.timescale(), 30);
  EXPECT_EQ(track.codecs(), "avc1.640028");
  const auto& audio = plan.tracks(3);
  EXPECT_EQ(audio.name(), "audio_0");
  EXPECT_EQ(audio.timescale(), 48000);
  EXPECT_EQ(audio.segments_total(), 15);
  EXPECT_EQ(audio.source_stream_index(), 1);
  ASSERT_EQ(plan.chunks_size(), 6);  // 1 + 3 + 3 + 3 + 3 + 2
  EXPECT_EQ(plan.chunks(0).segment_count(), 1);
  EXPECT_EQ(plan.chunks(1).first_segment(), 1);
  EXPECT_EQ(plan.chunks(5).first_segment(), 13);
  EXPECT_EQ(plan.chunks(5).segment_count(), 2);
}

TEST(PlanTest, NeverUpscales) {
  EXPECT_EQ(Sizes(MustPlan(Media(1280, 720, 25, 1, 100))), "360p=640x360 720p=1280x720 ");
  EXPECT_EQ(Sizes(MustPlan(Media(854, 480, 25, 1, 100))), "360p=640x360 ");
  EXPECT_EQ(Sizes(MustPlan(Media(320, 241, 25, 1, 100))), "240p=318x240 ");
  EXPECT_EQ(Sizes(MustPlan(Media(16, 16, 25, 1, 100))), "16p=16x16 ");
}

TEST(PlanTest, PortraitAndOddShapesKeepTheirAspect) {
  EXPECT_EQ(Sizes(MustPlan(Media(1080, 1920, 30, 1, 100))), "360p=360x640 720p=720x1280 1080p=1080x1920 ");
  EXPECT_EQ(Sizes(MustPlan(Media(1920, 800, 24, 1, 100))), "360p=864x360 720p=1728x720 ");
  EXPECT_EQ(Sizes(MustPlan(Media(721, 721, 24, 1, 100))), "360p=360x360 720p=720x720 ");
}

TEST(PlanTest, SegmentsAreWholeFramesAndGops) {
  const Plan plan = MustPlan(Media(1280, 720, 30000, 1001, 1799));  // 29.97: 60 s and 59 frames
  const auto& track = plan.tracks(0);
  EXPECT_EQ(track.frames_per_gop(), 60);
  EXPECT_EQ(track.frames_per_segment(), 120);
  EXPECT_DOUBLE_EQ(track.segment_seconds(), 4.004);
  EXPECT_EQ(track.segments_total(), 15);
  EXPECT_EQ(track.timescale(), 30000);
  const Plan video = MustPlan(Media(1280, 720, 24000, 1001, 1));
  EXPECT_EQ(video.tracks(0).frames_per_segment(), 96);
  EXPECT_EQ(video.tracks(0).segments_total(), 1);
  EXPECT_EQ(video.chunks_size(), 1);
  const Plan slides = MustPlan(Media(1280, 720, 1, 5, 10));
  EXPECT_EQ(slides.tracks(0).frames_per_gop(), 1);
}

TEST(PlanTest, ADayIsPlannedAndMoreThanAPayloadCanListIsRefused) {
  const auto hours = [](int n) { return Media(1920, 1080, 30, 1, int64_t{30} * 3600 * n); };
  auto ladder = DefaultLadder();
  const auto day = MakePlan(hours(24), ladder);
  ASSERT_THAT(day, IsOk());
  EXPECT_EQ(day->chunks_size(), 7201);
  ladder.set_segment_seconds(1);
  ladder.set_gop_seconds(1);
  ladder.set_segments_per_chunk(1);
  const auto fine = MakePlan(hours(24), ladder);
  ASSERT_THAT(fine, IsOk());
  EXPECT_EQ(fine->tracks(0).segments_total(), 86'400);
  EXPECT_LE(fine->chunks_size(), 16'000) << "chunks are longer where they would be too many";
  EXPECT_EQ(fine->chunks(0).segment_count(), 1);
  const auto& last = *fine->chunks().rbegin();
  EXPECT_EQ(last.first_segment() + last.segment_count(), 86'400);
  const auto plan = MakePlan(hours(30), ladder);
  EXPECT_EQ(DetailOf(plan.status()).reason, "media.too_long");
  EXPECT_NE(Message(plan.status()).find("longer than 27.8 hours"), std::string::npos) << Message(plan.status());
}

TEST(PlanTest, SaysWhyThereIsNone) {
  MediaInfo media = Media(1280, 720, 30, 1, 100);
  media.clear_video();
  const auto plan = MakePlan(media, DefaultLadder());
  EXPECT_THAT(plan, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_TRUE(IsError(plan.status(), errors::kMediaNoVideo)) << plan.status();
  EXPECT_EQ(DetailOf(MakePlan(Media(8, 720, 30, 1, 100), DefaultLadder()).status()).reason, "media.bad_dimensions");
  EXPECT_EQ(DetailOf(MakePlan(Media(80, 720, 30, 1, 0), DefaultLadder()).status()).reason, "media.no_frames");
  EXPECT_EQ(DetailOf(MakePlan(Media(80, 720, 0, 1, 9), DefaultLadder()).status()).reason, "media.no_frame_rate");
}

TEST(H264LevelTest, IsTheSmallestThatFits) {
  EXPECT_EQ(H264Codecs(640, 360, 30, 800'000, "high"), "avc1.64001e");
  EXPECT_EQ(H264Codecs(1280, 720, 30, 2'800'000, "high"), "avc1.64001f");
  EXPECT_EQ(H264Codecs(1280, 720, 60, 2'800'000, "main"), "avc1.4d4020");
  EXPECT_EQ(H264Codecs(1920, 1080, 60, 5'000'000, "high"), "avc1.64002a");
  EXPECT_EQ(H264LevelIdc(3840, 2160, 60, 20'000'000, "high"), 52);
  EXPECT_EQ(H264LevelIdc(20000, 20000, 60, 20'000'000, "high"), 62);
}

}  // namespace
}  // namespace vora::ladder
