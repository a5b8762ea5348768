#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "libs/testing/status_matchers.h"
#include "services/orchestrator/workflows/process_video_fixture_test.h"

namespace vora::workflows {
namespace {

TEST(ProcessVideoTest, MakesEveryTrackAndThenTheMasters) {
  World world;
  SimulatedRun run = Start(Input());
  run.Work(std::ref(world));
  ASSERT_TRUE(run.closed());
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_EQ(Parse<v1::ProcessVideoResult>(run.result()).state(), "READY");
  EXPECT_THAT(world.recorded["360p"], ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_EQ(world.recorded["720p"].size(), 8u);
  EXPECT_EQ(world.recorded["audio_0"].size(), 8u);
  EXPECT_EQ(world.tracks.size(), 3u);
  EXPECT_EQ(world.tracks["720p"].state(), "DONE");
  EXPECT_EQ(world.masters.tracks_size(), 3);
  EXPECT_EQ(world.masters.segments(0).segments_size(), 8);
  ASSERT_EQ(world.videos.size(), 1u);
  EXPECT_EQ(world.videos[0].state(), "READY");
  const std::set<std::string> unique(run.scheduled().begin(), run.scheduled().end());
  EXPECT_EQ(unique.size(), run.scheduled().size()) << "activity ids are unique";
}

TEST(ProcessVideoTest, EarlyChunksGoFirstAcrossRenditions) {
  World world;
  SimulatedRun run = Start(Input());
  run.Work(std::ref(world));
  EXPECT_THAT(world.encoded, ElementsAre("audio_0", "360p/chunk/0", "720p/chunk/0", "360p/chunk/1", "720p/chunk/1", "360p/chunk/2",
                                         "720p/chunk/2", "360p/chunk/3", "720p/chunk/3"));
  SimulatedRun second = Start(Input());
  second.Work(std::ref(world), [&] { return second.Find("720p/chunk/1") != nullptr; });
  EXPECT_GT(second.Find("720p/chunk/1")->options.estimated_cost(), second.Find("360p/chunk/1")->options.estimated_cost());
}

TEST(ProcessVideoTest, AFailedRenditionLeavesTheOthersAlone) {
  World world;
  world.failing = {"720p/chunk/1"};
  SimulatedRun run = Start(Input());
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_THAT(Parse<v1::ProcessVideoResult>(run.result()).failed_tracks(), ElementsAre("720p"));
  EXPECT_EQ(world.tracks["720p"].state(), "FAILED");
  EXPECT_EQ(world.tracks["720p"].failure_code(), "media.broken");
  EXPECT_EQ(world.tracks["720p"].failure(), "cannot decode");
  EXPECT_EQ(world.tracks["360p"].state(), "DONE");
  EXPECT_EQ(world.masters.tracks_size(), 2) << "360p and audio";
  EXPECT_EQ(world.videos.back().state(), "READY");
  EXPECT_EQ(std::count(world.encoded.begin(), world.encoded.end(), "720p/chunk/3"), 0) << "not worth encoding any more";
}

TEST(ProcessVideoTest, FailsWhenNoRenditionIsLeft) {
  World world;
  world.failing = {"720p/chunk/1", "360p/chunk/0"};
  SimulatedRun run = Start(Input());
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
  EXPECT_EQ(run.failure().code(), "media.broken");
  EXPECT_EQ(world.videos.back().state(), "FAILED");
  EXPECT_EQ(world.videos.back().failure_code(), "media.broken");
  EXPECT_EQ(world.masters.tracks_size(), 0);
}

TEST(ProcessVideoTest, AFailedAudioTrackFailsTheVideoAtOnce) {
  World world;
  world.failing = {"audio_0"};
  SimulatedRun run = Start(Input());
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
  EXPECT_EQ(world.tracks["audio_0"].state(), "FAILED");
  EXPECT_EQ(world.videos.back().state(), "FAILED");
  EXPECT_EQ(world.videos.back().failure(), "cannot decode");
  EXPECT_THAT(world.tracks, ::testing::SizeIs(1));
}

TEST(ProcessVideoTest, AnotherSoundThatFailsIsLeftOut) {
  World world;
  world.media.mutable_audio(0)->set_name("English");
  world.media.add_audio()->set_stream_index(7);
  world.failing = {"audio_1"};
  SimulatedRun run = Start(Input3());
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_EQ(world.videos.back().state(), "READY");
  EXPECT_EQ(world.tracks["audio_1"].state(), "FAILED");
  for (const auto& track : world.masters.tracks()) EXPECT_NE(track.name(), "audio_1");
}

TEST(ProcessVideoTest, ProbeFailureAndMissingVideoAreTold) {
  World broken;
  broken.failing = {"probe"};
  SimulatedRun run = Start(Input());
  run.Work(std::ref(broken));
  EXPECT_EQ(broken.videos.back().failure_code(), "media.broken");
  World audio_only;
  audio_only.media.clear_video();
  SimulatedRun second = Start(Input());
  second.Work(std::ref(audio_only));
  EXPECT_EQ(second.failure().code(), "media.no_video");
  EXPECT_EQ(audio_only.videos.back().state(), "FAILED");
  EXPECT_EQ(audio_only.videos.back().failure_code(), "media.no_video");
  EXPECT_EQ(audio_only.videos.back().failure(), "the file has no video track");
}

TEST(ProcessVideoTest, AVideoWithoutAudioIsFine) {
  World world;
  world.media = Media(false);
  SimulatedRun run = Start(Input());
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_EQ(world.masters.tracks_size(), 2);
}

TEST(ProcessVideoTest, AMissingPosterIsNoReasonToFail) {
  World world;
  world.failing = {"poster"};
  SimulatedRun run = Start(Input());
  run.Work(std::ref(world));
  EXPECT_EQ(world.videos.back().state(), "READY");
}

TEST(ProcessVideoTest, CancelTellsMetadataAndEnds) {
  ExpectCancelIsTold(Input(), {"probe", "plan/recorded", "720p/chunk/1", "360p/publish", "masters", "video/READY"});
}

TEST(ProcessVideoTest, ACancelOfAFailedRunLeavesItFailed) {
  World world;
  world.failing = {"probe"};
  SimulatedRun run = Start(Input());
  run.Work(std::ref(world), [&] { return run.Find("video/FAILED") != nullptr; });
  run.Cancel();
  ASSERT_EQ(run.open().size(), 1u);
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED) << "as metadata was told";
  EXPECT_EQ(world.videos.size(), 1u);
}

TEST(ProcessVideoTest, ThatMetadataCouldNotBeToldIsInTheHistory) {
  World world;
  world.failing = {"audio_0", "video/FAILED"};
  SimulatedRun run = Start(Input());
  run.Work(std::ref(world));
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED);
  EXPECT_EQ(run.failure().message(), "cannot decode");
  EXPECT_EQ(run.history().back().attributes["failed_compensations"],
            nlohmann::json::parse(R"([{"name": "video/PROCESSING", "code": "media.broken", "message": "cannot decode"}])"));
}

TEST(ProcessVideoTest, ARetryDoesOnlyWhatIsMissing) {
  v1::ProcessVideoInput input = Input();
  *input.mutable_media() = Media();
  *input.add_done() = Segments("360p", 0, 8);
  *input.add_done() = Segments("720p", 0, 5);  // chunk 0 and 1 are whole, chunk 2 has one of three
  *input.add_done() = Segments("audio_0", 0, 8);
  input.set_poster_done(true);
  World world;
  SimulatedRun run = Start(input);
  run.Work(std::ref(world));
  EXPECT_THAT(world.encoded, ElementsAre("720p/chunk/2", "720p/chunk/3"));
  EXPECT_EQ(world.tracks["360p"].state(), "DONE");
  ASSERT_EQ(world.masters.segments_size(), 3);
  EXPECT_EQ(world.masters.segments(1).segments_size(), 8);
  EXPECT_EQ(world.videos.back().state(), "READY");
  const auto& ids = run.scheduled();
  EXPECT_EQ(std::count(ids.begin(), ids.end(), "probe"), 0);
  EXPECT_EQ(std::count(ids.begin(), ids.end(), "poster"), 0);
}

TEST(DeleteVideoTest, DeletesTwice) {
  v1::DeleteVideoInput input;
  input.add_prefixes("processed/v1/");
  input.add_prefixes("raw/u1/");
  SimulatedRun run(AllWorkflows(), "DeleteVideo", ToPayload(input));
  std::vector<std::string> deleted;
  const auto handler = [&](const SimulatedRun::Activity& activity) {
    deleted.push_back(Parse<v1::DeletePrefixInput>(activity.input).prefix());
    return deleted.size() == 1 ? Failed("storage.unavailable") : Success(v1::DeletePrefixResult());
  };
  run.Work(handler);
  EXPECT_FALSE(run.closed());
  EXPECT_THAT(deleted, ElementsAre("processed/v1/", "raw/u1/"));
  run.FireTimers();
  run.Work(handler);
  EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED);
  EXPECT_THAT(deleted, ElementsAre("processed/v1/", "raw/u1/", "processed/v1/", "raw/u1/"));
}

// From wherever a run is read again, it goes on as it did; inputs may have changed since.
void ExpectPrefixesReplay(const Registry& registry, const RunInfo& info, const std::vector<Event>& history) {
  for (size_t length = 1; length < history.size(); ++length) {
    auto replayer = Replayer::Create(registry, info).value();
    for (size_t i = 0; i < length; ++i) ASSERT_THAT(replayer->Apply(history[i]), IsOk()) << length;
    size_t next = length;
    for (const auto& recorded : replayer->TakeCommands()) {
      ASSERT_LT(next, history.size()) << length;
      for (const char* key : {"activity_id", "timer_id", "result", "scheduled_event_id", "started_event_id"}) {
        EXPECT_EQ(recorded.command.attributes.value(key, nlohmann::json()), history[next].attributes.value(key, nlohmann::json())) << key;
      }
      EXPECT_EQ(recorded.command.type, history[next++].type) << length;
    }
    EXPECT_TRUE(next == history.size() || !IsCommandEvent(history[next].type)) << length;
  }
}

// Histories that must replay for as long as runs of their kind may be open. VORA_RECORD_HISTORIES=1 writes those that are missing.
TEST(StoredHistoryTest, EveryStoredHistoryReplays) {
  const std::filesystem::path folder = VORA_TESTDATA;
  if (std::getenv("VORA_RECORD_HISTORIES")) {
    World good, partial, bad;
    partial.failing = {"720p/chunk/1"};
    bad.failing = {"audio_0"};
    const auto store = [&](const std::string& name, const SimulatedRun& run) {
      const auto path = folder / ("ProcessVideo." + name + ".json");
      if (!std::filesystem::exists(path)) std::ofstream(path) << HistoryToJson(run.history()) << "\n";
    };
    std::map<std::string, World*> worlds{{"ready", &good}, {"partial", &partial}, {"failed", &bad}};
    for (const auto& [name, world] : worlds) {
      SimulatedRun run = Start(Input());
      run.Work(std::ref(*world));
      store(name, run);
      world->media = MediaWithSubtitles();
      SimulatedRun second = Start(Input2());
      second.Work(std::ref(*world));
      store("v2-" + name, second);
    }
    for (const auto& [name, world] : worlds) {
      SimulatedRun run = Start(Input3());
      run.Work(std::ref(*world));
      store("v3-" + name, run);
    }
    SimulatedRun late = Start(Input2());
    WorkAllButTheStoryboard(late, good);
    late.FireTimers();
    late.Work(std::ref(good));
    store("v2-late-storyboard", late);
    SimulatedRun canceled = Start(Input2());
    canceled.Work(std::ref(good), [&] { return canceled.Find("720p/chunk/1") != nullptr; });
    canceled.Cancel();
    store("v2-canceling", canceled);
    canceled.Work(std::ref(good));
    store("v2-canceled", canceled);
  }
  const Registry registry = AllWorkflows();
  int replayed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const RunInfo info{"w", "r", "default", entry.path().stem().stem().string()};
    const auto history = HistoryFromJson(text.str());
    EXPECT_THAT(CheckReplay(registry, info, history), IsOk()) << entry.path();
    ExpectPrefixesReplay(registry, info, history);
    ++replayed;
  }
  EXPECT_GE(replayed, 10);
}

}  // namespace
}  // namespace vora::workflows
