#include <set>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>

#include "libs/layout/delivery_path.h"
#include "libs/layout/layout.h"
#include "libs/testing/status_matchers.h"
#include "services/transcode-worker/activities/encode_fixture.h"

namespace vora::transcode {
namespace {

TEST_F(EncodeTest, RenditionsShareADecoderAndGiveTheSameBytesAsOneProcess) {
  const std::string source = media::MakeUsualSource(folder_, "a.mp4", 7);
  UseSource(source);
  auto small = Task(Chunk(90, 0, 4)), large = Task(Chunk(180, 0, 4));
  Run({small, large});
  for (const auto& [task, height] : {std::pair{small, 90}, std::pair{large, 180}}) {
    const EncodeChunkResult result = Result(*task);
    ASSERT_EQ(result.segments().segments_size(), 4);
    const auto plan = Chunk(height, 0, 4).track();
    EXPECT_EQ(result.segments().track(), plan.name());
    const media::EncodedTrack here = media::EncodeVideoSpan(source, info_, plan, 0, 4);
    EXPECT_EQ(result.segments().codecs(), here.codecs);
    EXPECT_TRUE(Object("processed/v1/" + plan.name() + "/init.mp4") == here.init);
    for (int i = 0; i < 4; ++i) {
      const std::string bytes = Object(layout::InTrack("processed/v1", plan.name(), layout::Segment(i)));
      EXPECT_TRUE(bytes == here.segments[static_cast<size_t>(i)]) << plan.name() << " segment " << i;
      EXPECT_EQ(result.segments().segments(i).bytes(), static_cast<int64_t>(bytes.size()));
      EXPECT_EQ(result.segments().segments(i).duration(), i < 3 ? 60 : 30);
    }
    EXPECT_EQ(task->reports(), 1);
  }
}

TEST_F(EncodeTest, AChunkOfARunFromBeforeGroupsIsEncodedAlone) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 3));
  const EncodeChunkInput input = Chunk(90, 0, 2);
  auto alone = std::make_shared<RecordedExecution>("media.EncodeChunk", IdOf(input), input);
  Run({alone});
  EXPECT_EQ(Result(*alone).segments().segments_size(), 2);
}

TEST_F(EncodeTest, AnItemThatIsNoTrackIsRefused) {
  auto foreign = std::make_shared<RecordedExecution>("media.EncodeGroup", "x/chunk/0", workflow::v1::EncodeGroupInput(), "", "x");
  Run({foreign});
  EXPECT_EQ(foreign->ended(), "failed");
  EXPECT_NE(foreign->failure().message().find("has no track x"), std::string::npos) << foreign->failure().message();
}

TEST_F(EncodeTest, AResumedChunkDoesOnlyWhatIsMissingAndGivesTheSameBytes) {
  const std::string source = media::MakeUsualSource(folder_, "a.mp4", 8);
  UseSource(source);
  auto whole = Task(Chunk(90, 0, 4, "processed/whole"));
  Run({whole});
  // Two segments are there, and known from a checkpoint.
  auto part = Task(Chunk(90, 0, 2));
  Run({part});
  workflow::v1::EncodeChunkCheckpoint checkpoint;
  *checkpoint.mutable_segments() = Result(*part).segments();
  auto resumed = Task(Chunk(90, 0, 4), workflow::ToPayload(checkpoint));
  Run({resumed});
  EXPECT_EQ(workflow::ToPayload(Result(*resumed).segments()), workflow::ToPayload(Result(*whole).segments()));
  for (int i = 0; i < 4; ++i)
    EXPECT_EQ(Object(layout::InTrack("processed/v1", "90p", layout::Segment(i))),
              Object(layout::InTrack("processed/whole", "90p", layout::Segment(i))));
  // All are there, and nobody says so: found without decoding.
  const int64_t before = store_->bytes_opened();
  auto again = Task(Chunk(90, 0, 4));
  Run({again});
  EXPECT_EQ(workflow::ToPayload(Result(*again).segments()), workflow::ToPayload(Result(*whole).segments()));
  EXPECT_LT(store_->bytes_opened() - before, 4096);
}

// Also where one has made other bytes, as an encoder of another version would.
TEST_F(EncodeTest, TwoAttemptsAtTheSameTimeTellOfWhatIsInTheStore) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 8));
  const auto key = [](int index) { return layout::InTrack("processed/v1", "90p", layout::Segment(index)); };
  ASSERT_THAT(store_->Put(key(2), "other bytes", {}), IsOk());
  auto first = Task(Chunk(90, 0, 4)), second = Task(Chunk(90, 0, 4));
  std::thread other([&] { Run({second}); });
  Run({first});
  other.join();
  for (const auto& attempt : {first, second}) {
    const auto segments = Result(*attempt).segments();
    ASSERT_EQ(segments.segments_size(), 4);
    for (const auto& segment : segments.segments())
      EXPECT_EQ(segment.bytes(), static_cast<int64_t>(Object(key(segment.index())).size())) << segment.index();
  }
  EXPECT_EQ(Object(key(2)), "other bytes");
}

TEST_F(EncodeTest, BadSourcesFailForGoodWithACode) {
  for (const auto& [bytes, code] : {std::pair<std::string, std::string>{"", "media.empty"},
                                    {std::string(3000, 'x'), "media.unreadable"},
                                    {"#EXTM3U\n#EXTINF:5,\nfile:///etc/passwd\n", "media.not_a_video"}}) {
    ASSERT_THAT(store_->Put("raw/u1/original", bytes, {}), IsOk());
    RecordedExecution probe("media.Probe", "probe", Input<workflow::v1::ProbeInput>());
    const workflow::ActivityOutcome outcome = ProbeSource(*context_, probe);
    EXPECT_FALSE(outcome.ok);
    EXPECT_EQ(outcome.failure.code(), code);
    EXPECT_TRUE(outcome.failure.non_retryable());
  }
  auto missing = Input<workflow::v1::ProbeInput>();
  missing.set_source_key("raw/none/original");
  RecordedExecution probe("media.Probe", "probe", missing);
  EXPECT_EQ(ProbeSource(*context_, probe).failure.code(), "source.not_found");
}

TEST_F(EncodeTest, AStoryboardIsPublishedSheetsFirstAndTheSameEachTime) {
  UseSource(
      media::MakeSource(folder_, "long.mp4", "-f lavfi -i testsrc2=size=128x72:rate=5:duration=150 -c:v libx264 -preset ultrafast -g 25"));
  auto input = Input<workflow::v1::ExtractPartInput>();
  *input.mutable_media() = info_;
  for (const char* prefix : {"processed/v1", "processed/v2", "processed/v1"}) {
    input.set_object_prefix(prefix);
    RecordedExecution extract("media.ExtractStoryboard", "storyboard", input);
    const workflow::ActivityOutcome outcome = ExtractPart(*context_, extract, *FindChildRole("storyboard"));
    ASSERT_TRUE(outcome.ok) << outcome.failure.ShortDebugString();
    workflow::v1::ExtractPartResult result;
    ASSERT_THAT(workflow::FromPayload(outcome.result, result), IsOk());
    EXPECT_EQ(result.key(), std::string(prefix) + "/storyboard.vtt");
    EXPECT_EQ(result.objects(), 3);
  }
  for (const char* name : {"storyboard_0.jpg", "storyboard_1.jpg", "storyboard.vtt"}) {
    EXPECT_TRUE(Object(std::string("processed/v1/") + name) == Object(std::string("processed/v2/") + name)) << name;
  }
  EXPECT_EQ(Object("processed/v1/storyboard_1.jpg").substr(0, 2), "\xff\xd8");
  EXPECT_NE(Object("processed/v1/storyboard.vtt").find("\nstoryboard_1.jpg#xywh=1152,288,128,72\n"), std::string::npos);
}

ChildRole StoryboardExpecting(std::vector<std::string> (*objects)(const media::v1::MediaInfo&)) {
  ChildRole role = *FindChildRole("storyboard");
  role.part.objects = objects;
  return role;
}

TEST_F(EncodeTest, APartIsWholeOrFails) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 6));
  auto input = Input<workflow::v1::ExtractPartInput>();
  *input.mutable_media() = info_;
  input.set_object_prefix("processed/v1");
  RecordedExecution extract("media.ExtractStoryboard", "storyboard", input);
  const auto more = StoryboardExpecting([](const media::v1::MediaInfo&) {
    return std::vector<std::string>{"storyboard_0.jpg", "storyboard_1.jpg"};
  });
  workflow::ActivityOutcome outcome = ExtractPart(*context_, extract, more);
  EXPECT_FALSE(outcome.ok);
  EXPECT_NE(outcome.failure.message().find("not whole"), std::string::npos) << outcome.failure.message();
  const auto others = StoryboardExpecting([](const media::v1::MediaInfo&) { return std::vector<std::string>{"storyboard_7.jpg"}; });
  outcome = ExtractPart(*context_, extract, others);
  EXPECT_FALSE(outcome.ok);
  EXPECT_NE(outcome.failure.message().find("not asked for"), std::string::npos) << outcome.failure.message();
  EXPECT_THAT(store_->Head("processed/v1/storyboard.vtt"), StatusIs(StatusCode::kNotFound)) << "an index of what is not there";
  EXPECT_THAT(store_->Head("processed/v1/storyboard_7.jpg"), StatusIs(StatusCode::kNotFound));
}

TEST(ChildRolesTest, EachPartHasWhatItNeeds) {
  media::v1::MediaInfo media;
  media.set_duration_seconds(100);
  media.mutable_video()->set_width(640);
  media.mutable_video()->set_height(360);
  std::set<std::string_view> names;
  for (const ChildRole& role : ChildRoles()) {
    EXPECT_TRUE(names.insert(role.name).second) << role.name;
    EXPECT_NE(role.run, nullptr) << role.name;
    if (role.part.activity == nullptr) continue;
    ASSERT_NE(role.part.objects, nullptr) << role.name;
    EXPECT_EQ(role.part.index == nullptr, role.part.index_text == nullptr) << role.name;
    // Players could not fetch what is no delivery path, and a child must not write the index.
    EXPECT_TRUE(role.part.index == nullptr || layout::ParseDeliveryPath(role.part.index)) << role.name;
    EXPECT_FALSE(role.part.objects(media).empty()) << role.name;
    for (const std::string& object : role.part.objects(media)) {
      const auto path = layout::ParseDeliveryPath(object);
      EXPECT_TRUE(path && path->kind == layout::ObjectKind::kPart && path->track.empty()) << object;
      EXPECT_TRUE(role.part.index == nullptr || object != role.part.index) << object;
    }
  }
}

TEST_F(EncodeTest, CaptionsArePublishedAndTold) {
  media::WriteFile(folder_ / "en.srt", "1\n00:00:01,000 --> 00:00:02,000\nHello\n");
  media::WriteFile(folder_ / "none.srt", "1\n00:00:01,000 --> 00:00:02,000\n{\\an8} \n");
  UseSource(media::MakeSource(folder_, "a.mkv",
                              "-f lavfi -i testsrc2=size=64x64:rate=10:duration=4 -i '" + folder_ / "en.srt" + "' -i '" +
                                  folder_ / "none.srt" +
                                  "' -map 0 -map 1 -map 2 -map 1 -c:s subrip -metadata:s:s:0 language=eng -metadata:s:s:1 language=fre "
                                  "-c:v libx264 -preset ultrafast"));
  auto input = Input<workflow::v1::ExtractSubtitlesInput>();
  *input.mutable_media() = info_;
  input.set_object_prefix("processed/v1");
  for (int time = 0; time < 2; ++time) {
    RecordedExecution extract("media.ExtractSubtitles", "captions", input);
    const workflow::ActivityOutcome outcome = ExtractSubtitles(*context_, extract);
    ASSERT_TRUE(outcome.ok) << outcome.failure.ShortDebugString();
    workflow::v1::ExtractSubtitlesResult result;
    ASSERT_THAT(workflow::FromPayload(outcome.result, result), IsOk());
    ASSERT_EQ(result.captions_size(), 2);
    EXPECT_EQ(result.captions(0).track(), "subs_en");
    EXPECT_EQ(result.captions(0).name(), "English");
    EXPECT_EQ(result.captions(1).track(), "subs_und");
    ASSERT_EQ(result.warnings_size(), 1);
    EXPECT_EQ(result.warnings(0), "Subtitle track 2 (subrip, fr) is empty and left out.");
    EXPECT_EQ(result.captions(0).bytes(), static_cast<int64_t>(Object("processed/v1/subs_en/seg_0.vtt").size()));
  }
  EXPECT_EQ(Object("processed/v1/subs_en/seg_0.vtt"), "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nHello\n");
  EXPECT_NE(Object("processed/v1/subs_und/playlist.m3u8").find("#EXTINF:4.000,\nseg_0.vtt\n#EXT-X-ENDLIST"), std::string::npos);
}

TEST_F(EncodeTest, AudioPosterAndManifestsArePublished) {
  UseSource(media::MakeUsualSource(folder_, "a.mp4", 6));
  const EncodeChunkInput chunk = Chunk(180, 0, 3);
  auto video = Task(chunk);
  Run({video});
  workflow::v1::EncodeAudioInput audio = Input<workflow::v1::EncodeAudioInput>();
  audio.set_object_prefix("processed/v1");
  *audio.mutable_media() = info_;
  *audio.mutable_track() = media::AudioPlan(info_, chunk.track());
  RecordedExecution encode("media.EncodeAudio", "audio_0", audio);
  const workflow::ActivityOutcome encoded = EncodeAudio(*context_, encode);
  ASSERT_TRUE(encoded.ok) << encoded.failure.ShortDebugString();
  workflow::v1::EncodeAudioResult audio_result;
  ASSERT_THAT(workflow::FromPayload(encoded.result, audio_result), IsOk());
  EXPECT_EQ(audio_result.segments().segments_size(), 3);

  auto poster = Input<workflow::v1::ExtractPosterInput>();
  poster.set_object_prefix("processed/v1");
  *poster.mutable_media() = info_;
  RecordedExecution extract("media.ExtractPoster", "poster", poster);
  ASSERT_TRUE(ExtractPoster(*context_, extract).ok);
  EXPECT_EQ(Object("processed/v1/poster.jpg").substr(0, 2), "\xff\xd8");

  // A run from before groups lists the segments; without a list they are those in the store. Both give the same texts.
  std::map<std::string, std::string> texts[2];
  for (const bool listed : {true, false}) {
    workflow::v1::PublishMastersInput masters;
    masters.set_object_prefix("processed/v1");
    masters.set_duration_seconds(info_.duration_seconds());
    std::pair<media::v1::TrackPlan, media::v1::TrackSegments> tracks[] = {{chunk.track(), Result(*video).segments()},
                                                                          {audio.track(), audio_result.segments()}};
    for (auto& [plan, segments] : tracks) {
      workflow::v1::PublishTrackInput track;
      track.set_object_prefix("processed/v1");
      track.set_duration_seconds(info_.duration_seconds());
      *track.mutable_track() = plan;
      if (listed) *track.mutable_segments() = Unpacked(segments);
      RecordedExecution publish("media.PublishTrack", "publish", track);
      const workflow::ActivityOutcome published = PublishTrack(*context_, publish);
      ASSERT_TRUE(published.ok) << published.failure.ShortDebugString();
      workflow::v1::PublishResult result;
      ASSERT_THAT(workflow::FromPayload(published.result, result), IsOk());
      EXPECT_GT(result.summary().peak_bandwidth(), 0);
      *masters.add_tracks() = plan;
      if (listed) *masters.add_segments() = Unpacked(segments);
      if (!listed) *masters.add_summaries() = result.summary();
    }
    RecordedExecution publish_masters("media.PublishMasters", "masters", masters);
    ASSERT_TRUE(PublishMasters(*context_, publish_masters).ok);
    for (const char* key : {"180p/playlist.m3u8", "audio_0/playlist.m3u8", "master.m3u8", "manifest.mpd"}) {
      texts[listed][key] = Object(std::string("processed/v1/") + key);
    }
  }
  for (const auto& [key, text] : texts[true]) {
    // The manifest names the moment in which it was made.
    EXPECT_EQ(text.substr(0, key == "manifest.mpd" ? 0 : std::string::npos),
              texts[false][key].substr(0, key == "manifest.mpd" ? 0 : std::string::npos))
        << key;
    EXPECT_EQ(text.size(), texts[false][key].size()) << key;
  }
  // What was written plays.
  for (const char* key : {"init.mp4", "seg_0.m4s", "seg_1.m4s", "seg_2.m4s", "playlist.m3u8"}) {
    media::RunProgram("mkdir -p '" + folder_ / "out/180p" + "' '" + folder_ / "out/audio_0" + "'");
    for (const char* name : {"180p", "audio_0"}) {
      media::WriteFile(folder_ / "out/" + name + "/" + key, Object(std::string("processed/v1/") + name + "/" + key));
    }
  }
  media::WriteFile(folder_ / "out/master.m3u8", Object("processed/v1/master.m3u8"));
  const std::string probed = media::RunProgram("ffprobe -v error -show_entries stream=codec_name,width -of csv=p=0 '" +
                                               folder_ / "out/master.m3u8" + "' | sort | uniq");
  EXPECT_NE(probed.find("h264"), std::string::npos) << probed;
  EXPECT_NE(probed.find("aac"), std::string::npos) << probed;
  EXPECT_EQ(media::RunProgram("ffmpeg -v error -i '" + folder_ / "out/master.m3u8" + "' -f null - 2>&1"), "");

  auto remove = workflow::v1::DeletePrefixInput();
  remove.set_prefix("processed/v1/");
  RecordedExecution deletion("storage.DeletePrefix", "delete", remove);
  ASSERT_TRUE(DeletePrefix(*context_, deletion).ok);
  EXPECT_THAT(store_->Head("processed/v1/master.m3u8"), StatusIs(StatusCode::kNotFound));
}

}  // namespace
}  // namespace vora::transcode
