#include <algorithm>

#include "services/orchestrator/workflows/process_video_fixture_test.h"

namespace vora::workflows {
namespace {

// With a chunk for each segment; the default ladder has segments of four seconds.
v1::ProcessVideoInput Film(World& world, int seconds) {
  world.media.set_duration_seconds(seconds);
  world.media.mutable_video()->set_frames(int64_t{30} * seconds);
  v1::ProcessVideoInput input = Input3();
  input.mutable_ladder()->set_segments_per_chunk(1);
  return input;
}

int Count(const SimulatedRun& run, const std::string& type) {
  return static_cast<int>(std::count_if(run.history().begin(), run.history().end(), [&](const Event& event) {
    return event.type == v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED && event.attributes.at("activity_type") == type;
  }));
}

TEST(ChunksInGroupsTest, AChunkIsOneActivityAndOneRecord) {
  World world;
  SimulatedRun run = Start(Input3());
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_EQ(Count(run, "media.EncodeGroup"), 4);
  EXPECT_EQ(Count(run, "metadata.RecordSegments"), 5) << "with that of the audio";
  for (const char* track : {"360p", "720p", "audio_0"}) {
    EXPECT_THAT(world.recorded[track], ElementsAre(0, 1, 2, 3, 4, 5, 6, 7)) << track;
    EXPECT_EQ(world.tracks[track].state(), "DONE") << track;
  }
  EXPECT_EQ(world.masters.tracks_size(), 3);
  ASSERT_EQ(world.masters.summaries_size(), 3);
  EXPECT_EQ(world.masters.summaries(1).track(), "720p");
  EXPECT_EQ(world.masters.segments_size(), 0);
  EXPECT_EQ(world.videos.back().state(), "READY");
  const std::set<std::string> unique(run.scheduled().begin(), run.scheduled().end());
  EXPECT_EQ(unique.size(), run.scheduled().size()) << "activity ids are unique";
}

TEST(ChunksInGroupsTest, AWindowOfChunksIsUnderWay) {
  World world;
  SimulatedRun run = Start(Film(world, 2000));
  const auto under_way = [&] {
    return std::count_if(run.open().begin(), run.open().end(), [](const auto& a) { return a.type == "media.EncodeGroup"; });
  };
  int64_t most = 0;
  run.Work([&](const SimulatedRun::Activity& activity) {
    most = std::max<int64_t>(most, under_way());
    return world(activity);
  });
  EXPECT_EQ(most, 64);
  EXPECT_EQ(Count(run, "media.EncodeGroup"), 500);
  EXPECT_EQ(world.recorded["720p"].size(), 500u);
}

TEST(ChunksInGroupsTest, AFailedRenditionLeavesTheOthersAlone) {
  World world;
  world.failing = {"720p/chunk/1"};
  SimulatedRun run = Start(Film(world, 2000));
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_THAT(Parse<v1::ProcessVideoResult>(run.result()).failed_tracks(), ElementsAre("720p"));
  EXPECT_EQ(world.tracks["720p"].failure_code(), "media.broken");
  EXPECT_EQ(world.tracks["360p"].state(), "DONE");
  EXPECT_EQ(world.recorded["360p"].size(), 500u);
  EXPECT_EQ(world.masters.tracks_size(), 2) << "360p and audio";
  EXPECT_LT(std::count_if(world.encoded.begin(), world.encoded.end(), [](const auto& id) { return id.starts_with("720p/"); }), 66)
      << "chunks that were not scheduled yet do without it";
}

TEST(ChunksInGroupsTest, FailsWhenNoRenditionIsLeft) {
  World world;
  world.failing = {"720p/chunk/1", "360p/chunk/0"};
  SimulatedRun run = Start(Film(world, 2000));
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
  EXPECT_EQ(world.videos.back().failure_code(), "media.broken");
  EXPECT_LT(world.encoded.size(), 130u) << "what was not scheduled yet is not worth encoding";
}

TEST(ChunksInGroupsTest, AFailedAudioTrackFailsTheVideoAtOnce) {
  World world;
  world.failing = {"audio_0"};
  SimulatedRun run = Start(Input3());
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
  EXPECT_EQ(world.videos.back().failure(), "cannot decode");
  EXPECT_THAT(world.tracks, ::testing::SizeIs(1));
}

// 720p fails once and is tried again by the engine: meanwhile 360p is recorded.
TEST(ChunksInGroupsTest, ARenditionThatIsTriedAgainHoldsUpNoOther) {
  World world;
  SimulatedRun run = Start(Input3());
  run.Work(std::ref(world), [&] { return run.Find("chunk/1") != nullptr && run.Find("chunk/0") == nullptr; });
  SimulatedRun::Activity group = *run.Find("chunk/1");
  group.item = "360p";
  run.EndItems("chunk/1", {{"360p", world(group)}});
  ASSERT_NE(run.Find("chunk/1"), nullptr);
  ASSERT_NE(run.Find("chunk/1/recorded"), nullptr);
  run.End("chunk/1/recorded", world(*run.Find("chunk/1/recorded")));
  EXPECT_TRUE(world.recorded["360p"].contains(1));
  EXPECT_FALSE(world.recorded["720p"].contains(1));
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_EQ(world.recorded["720p"].size(), 8u);
}

TEST(ChunksInGroupsTest, ARenditionThatIsWholeIsPublishedWhileOthersGoOn) {
  World world;
  SimulatedRun run = Start(Input3());
  const auto work_all_but_groups = [&] {
    while (true) {
      const auto next = std::find_if(run.open().begin(), run.open().end(), [](const auto& a) { return a.type != "media.EncodeGroup"; });
      if (next == run.open().end()) return;
      const std::string id = next->id;
      run.End(id, world(*next));
    }
  };
  work_all_but_groups();
  for (const char* chunk : {"chunk/0", "chunk/1", "chunk/2", "chunk/3"}) {
    ASSERT_NE(run.Find(chunk), nullptr);
    SimulatedRun::Activity group = *run.Find(chunk);
    group.item = "360p";
    run.EndItems(chunk, {{"360p", world(group)}});
    work_all_but_groups();
  }
  EXPECT_EQ(world.tracks["360p"].state(), "DONE");
  EXPECT_FALSE(world.tracks.contains("720p"));
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_EQ(world.masters.tracks_size(), 3);
}

TEST(ChunksInGroupsTest, ARetryDoesOnlyWhatIsMissing) {
  v1::ProcessVideoInput input = Input3();
  *input.mutable_media() = Media();
  const std::pair<const char*, int> done[] = {{"360p", 8}, {"720p", 5}, {"audio_0", 8}};  // of 720p chunk 2 has one of three
  for (const auto& [track, count] : done) {
    auto* ranges = input.add_done_ranges();
    ranges->set_track(track);
    ranges->add_ranges()->set_count(count);
  }
  World world;
  SimulatedRun run = Start(input);
  run.Work(std::ref(world));
  EXPECT_THAT(world.encoded, ElementsAre("720p/chunk/2", "720p/chunk/3"));
  EXPECT_EQ(world.tracks["360p"].state(), "DONE");
  EXPECT_EQ(world.videos.back().state(), "READY");
}

// 24 hours in segments of two seconds: no payload comes near its limit, and no list of segments lies in one.
TEST(ChunksInGroupsTest, ADayIsNoSpecialCase) {
  World world;
  v1::ProcessVideoInput input = Film(world, 24 * 3600);
  input.mutable_ladder()->set_segment_seconds(2);
  input.mutable_ladder()->set_segments_per_chunk(10);
  SimulatedRun run = Start(input);
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_EQ(world.recorded["720p"].size(), 43'200u);
  size_t largest = 0;
  for (const Event& event : run.history()) {
    if (event.type == v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED)
      largest = std::max(largest, event.attributes.at("input").get_ref<const std::string&>().size());
  }
  EXPECT_LT(largest, kMaxPayloadBytes / 2);
}

TEST(ChunksInGroupsTest, CancelTellsMetadataAndEnds) { ExpectCancelIsTold(Input3(), {"chunk/1", "chunk/1/recorded", "360p/publish"}); }

}  // namespace
}  // namespace vora::workflows
