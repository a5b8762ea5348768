#include "services/orchestrator/workflows/player_parts.h"

#include "services/orchestrator/workflows/process_video_fixture_test.h"

namespace vora::workflows {
namespace {

TEST(PlayerPartsTest, StoryboardAndCaptionsAreMadeAndTold) {
  World world;
  world.media = MediaWithSubtitles();
  SimulatedRun run = Start(Input2());
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  ASSERT_EQ(world.parts.size(), 1u);
  EXPECT_EQ(world.parts[0].key(), "processed/v1/storyboard.vtt");
  EXPECT_THAT(world.parts[0].warnings(), IsEmpty());
  ASSERT_EQ(world.captions.size(), 1u);
  EXPECT_TRUE(world.captions[0].done());
  EXPECT_EQ(world.captions[0].captions(0).track(), "subs_en");
  EXPECT_THAT(world.captions[0].warnings(), ElementsAre("Subtitle track 4 is empty."));
  ASSERT_EQ(world.masters.captions_size(), 1);
  EXPECT_EQ(world.masters.captions(0).language(), "en");
  EXPECT_EQ(world.videos.back().state(), "READY");
  const std::set<std::string> unique(run.scheduled().begin(), run.scheduled().end());
  EXPECT_EQ(unique.size(), run.scheduled().size()) << "activity ids are unique";
}

TEST(PlayerPartsTest, EarlierRunsGoOnWithoutThem) {
  World world;
  world.media = MediaWithSubtitles();
  SimulatedRun run = Start(Input());
  run.Work(std::ref(world));
  EXPECT_THAT(world.parts, IsEmpty());
  EXPECT_THAT(world.captions, IsEmpty());
  EXPECT_EQ(world.masters.captions_size(), 0);
}

TEST(PlayerPartsTest, WithoutSubtitlesNothingIsAskedFor) {
  World world;
  SimulatedRun run = Start(Input2());
  run.Work(std::ref(world));
  const auto& ids = run.scheduled();
  EXPECT_EQ(std::count(ids.begin(), ids.end(), "captions"), 0);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), "storyboard"), 1);
}

TEST(PlayerPartsTest, TheyNeverDelayTheVideo) {
  World world;
  world.media = MediaWithSubtitles();
  SimulatedRun run = Start(Input2());
  run.Work(std::ref(world), [&] { return run.Find("storyboard") != nullptr; });
  const int storyboard = run.Find("storyboard")->options.priority();
  for (const auto& activity : run.open()) {
    if (activity.type != "media.EncodeChunk") continue;
    EXPECT_GT(activity.options.priority(), storyboard) << activity.id;
  }
  EXPECT_LT(storyboard, run.Find("poster")->options.priority());
  // Of equals the older goes first.
  EXPECT_EQ(run.Find("captions")->options.priority(), run.Find("360p/chunk/0")->options.priority());
  EXPECT_GT(run.Find("captions")->event_id, run.Find("360p/chunk/0")->event_id);
}

TEST(PlayerPartsTest, AFailureOfOneIsAWarningOfTheVideo) {
  World world;
  world.media = MediaWithSubtitles();
  world.failing = {"storyboard", "captions"};
  SimulatedRun run = Start(Input2());
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_EQ(world.videos.back().state(), "READY");
  ASSERT_EQ(world.parts.size(), 1u);
  EXPECT_EQ(world.parts[0].key(), "");
  EXPECT_THAT(world.parts[0].warnings(), ElementsAre("The pictures of the seek bar could not be made: cannot decode"));
  ASSERT_EQ(world.captions.size(), 1u);
  EXPECT_FALSE(world.captions[0].done());
  EXPECT_THAT(world.captions[0].warnings(), ElementsAre("The captions could not be made: cannot decode"));
  EXPECT_EQ(world.masters.captions_size(), 0);
}

TEST(PlayerPartsTest, AFinishedVideoWaitsAWhileAndNotForEver) {
  World world;
  SimulatedRun run = Start(Input2());
  WorkAllButTheStoryboard(run, world);
  EXPECT_FALSE(run.closed());
  EXPECT_EQ(world.masters.tracks_size(), 0);
  run.FireTimers();
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  ASSERT_EQ(world.parts.size(), 1u);
  EXPECT_THAT(world.parts[0].warnings(), ElementsAre("The pictures of the seek bar could not be made: it took too long."));
  EXPECT_EQ(world.videos.back().state(), "READY");

  World late;
  SimulatedRun second = Start(Input2());
  WorkAllButTheStoryboard(second, late);
  second.Work(std::ref(late));
  EXPECT_EQ(second.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_EQ(late.parts.at(0).key(), "processed/v1/storyboard.vtt");
}

TEST(PlayerPartsTest, AVideoThatFailedDoesNotWait) {
  World world;
  world.failing = {"720p/chunk/1", "360p/chunk/0"};
  SimulatedRun run = Start(Input2());
  WorkAllButTheStoryboard(run, world);
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
  EXPECT_EQ(world.videos.back().failure_code(), "media.broken");
}

TEST(PlayerPartsTest, CancelEndsThemToo) {
  for (const char* at : {"storyboard", "captions", "storyboard/recorded", "captions/recorded"}) {
    World world;
    world.media = MediaWithSubtitles();
    SimulatedRun run = Start(Input2());
    run.Work(std::ref(world), [&] { return run.Find(at) != nullptr; });
    ASSERT_NE(run.Find(at), nullptr) << at;
    run.Cancel();
    run.Work(std::ref(world));
    EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED) << at;
    EXPECT_EQ(world.videos.back().state(), "CANCELLED");
  }
}

TEST(PlayerPartsTest, ARetryKeepsThem) {
  v1::ProcessVideoInput input = Input2();
  *input.mutable_media() = MediaWithSubtitles();
  input.set_storyboard_done(true);
  input.set_captions_done(true);
  *input.add_captions() = Caption();
  World world;
  SimulatedRun run = Start(input);
  run.Work(std::ref(world));
  EXPECT_THAT(world.parts, IsEmpty());
  EXPECT_THAT(world.captions, IsEmpty());
  ASSERT_EQ(world.masters.captions_size(), 1) << "the new master lists what the first run published";
}

std::vector<std::string> WarningsOf(const World& world, const std::string& part) {
  std::vector<std::string> warnings;
  for (const auto& told : world.parts) {
    if (told.part() == part) warnings.insert(warnings.end(), told.warnings().begin(), told.warnings().end());
  }
  return warnings;
}

TEST(Mp4PartTest, IsMadeOfTheLargestRenditionAndTheSoundBeforeTheVideoIsReady) {
  for (const bool asked : {true, false}) {
    World world;
    v1::ProcessVideoInput input = Input3();
    input.mutable_ladder()->set_mp4(asked);
    SimulatedRun run = Start(input);
    run.Work(std::ref(world));
    EXPECT_EQ(world.videos.back().state(), "READY");
    std::string tracks;
    for (const auto& track : world.mp4.tracks()) tracks += track.name() + " ";
    EXPECT_EQ(tracks, asked ? "720p audio_0 " : "");
    const auto told = std::find_if(world.parts.begin(), world.parts.end(), [](const auto& part) { return part.part() == "mp4"; });
    EXPECT_EQ(told != world.parts.end(), asked);
    EXPECT_EQ(asked ? told->key() : "", asked ? "processed/v1/download.mp4" : "");
  }
  // A later run has no need of another.
  World later;
  v1::ProcessVideoInput input = Input3();
  input.mutable_ladder()->set_mp4(true);
  input.add_parts_done("mp4");
  SimulatedRun run = Start(input);
  run.Work(std::ref(later));
  EXPECT_EQ(later.mp4.tracks_size(), 0);
}

TEST(Mp4PartTest, WithoutItTheVideoIsReadyAndSaysWhy) {
  World world;
  world.failing = {"mp4"};
  v1::ProcessVideoInput input = Input3();
  input.mutable_ladder()->set_mp4(true);
  SimulatedRun run = Start(input);
  run.Work(std::ref(world));
  EXPECT_EQ(world.videos.back().state(), "READY");
  EXPECT_THAT(WarningsOf(world, "mp4"), ElementsAre("The mp4 file could not be made: cannot decode"));
}

}  // namespace
}  // namespace vora::workflows
