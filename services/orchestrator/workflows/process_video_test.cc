#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "libs/ladder/ladder.h"
#include "libs/workflow/testing/simulated_run.h"
#include "services/orchestrator/workflows/workflows.h"

namespace vora::workflows {
namespace {

using namespace workflow;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using workflow::testing::Failed;
using workflow::testing::SimulatedRun;
using workflow::testing::Success;

v1::MediaInfo Media(bool audio = true) {
  v1::MediaInfo media;
  media.set_container("mov,mp4,m4a,3gp,3g2,mj2");
  media.set_duration_seconds(30);
  auto* video = media.mutable_video();
  video->set_codec("h264");
  video->set_width(1280);
  video->set_height(720);
  video->set_frame_rate_num(30);
  video->set_frame_rate_den(1);
  video->set_frames(900);
  if (!audio) return media;
  auto* track = media.add_audio();
  track->set_stream_index(1);
  track->set_sample_rate(48000);
  track->set_channels(2);
  track->set_duration_seconds(30);
  return media;
}

v1::ProcessVideoInput Input() {
  v1::ProcessVideoInput input;
  input.set_video_id("v1");
  input.set_tenant("default");
  input.set_source_key("raw/u1/original");
  input.set_object_prefix("processed/v1");
  *input.mutable_ladder() = ladder::DefaultLadder();
  return input;
}

v1::TrackSegments Segments(const std::string& track, int first, int count) {
  v1::TrackSegments segments;
  segments.set_track(track);
  segments.set_codecs("avc1.64001f");
  for (int i = first; i < first + count; ++i) {
    auto* segment = segments.add_segments();
    segment->set_index(i);
    segment->set_duration(120);
    segment->set_bytes(1000 + i);
  }
  return segments;
}

template <class T>
T Parse(const std::string& json) {
  T message;
  EXPECT_TRUE(FromPayload(json, message).ok());
  return message;
}

// Every activity succeeds, and what metadata was told is kept.
struct World {
  v1::MediaInfo media = Media();
  std::set<std::string> failing;  // activity ids
  std::vector<v1::RecordVideoInput> videos;
  std::map<std::string, v1::RecordTrackInput> tracks;
  std::map<std::string, std::set<int>> recorded;
  v1::PublishMastersInput masters;
  std::vector<std::string> encoded;  // ids

  ActivityResult operator()(const SimulatedRun::Activity& activity) {
    if (failing.contains(activity.id)) return Failed("media.broken", "cannot decode");
    if (activity.type == "media.Probe") return Success(media);
    if (activity.type == "media.EncodeChunk") {
      const auto input = Parse<v1::EncodeChunkInput>(activity.input);
      v1::EncodeChunkResult result;
      *result.mutable_segments() = Segments(input.track().name(), input.chunk().first_segment(), input.chunk().segment_count());
      encoded.push_back(activity.id);
      return Success(result);
    }
    if (activity.type == "media.EncodeAudio") {
      const auto input = Parse<v1::EncodeAudioInput>(activity.input);
      v1::EncodeAudioResult result;
      *result.mutable_segments() = Segments(input.track().name(), 0, input.track().segments_total());
      encoded.push_back(activity.id);
      return Success(result);
    }
    if (activity.type == "media.ExtractPoster") {
      v1::ExtractPosterResult result;
      result.set_key("processed/v1/poster.jpg");
      return Success(result);
    }
    if (activity.type == "media.PublishMasters") masters = Parse<v1::PublishMastersInput>(activity.input);
    if (activity.type == "metadata.RecordVideo") videos.push_back(Parse<v1::RecordVideoInput>(activity.input));
    if (activity.type == "metadata.RecordTrack") {
      const auto track = Parse<v1::RecordTrackInput>(activity.input);
      tracks[track.track()] = track;
    }
    if (activity.type == "metadata.RecordSegments") {
      const auto segments = Parse<v1::RecordSegmentsInput>(activity.input).segments();
      for (const auto& segment : segments.segments()) recorded[segments.track()].insert(segment.index());
    }
    return Success(v1::RecordResult());
  }
};

SimulatedRun Start(const v1::ProcessVideoInput& input) { return {AllWorkflows(), "ProcessVideo", ToPayload(input)}; }

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

TEST(ProcessVideoTest, EarlyChunksGoFirstAcrossRenditionsAndAreSiblings) {
  World world;
  SimulatedRun run = Start(Input());
  run.Work(std::ref(world));
  EXPECT_THAT(world.encoded, ElementsAre("audio_0", "360p/chunk/0", "720p/chunk/0", "360p/chunk/1", "720p/chunk/1", "360p/chunk/2",
                                         "720p/chunk/2", "360p/chunk/3", "720p/chunk/3"));
  SimulatedRun second = Start(Input());
  second.Work(std::ref(world), [&] { return second.Find("720p/chunk/1") != nullptr; });
  EXPECT_EQ(second.Find("720p/chunk/1")->options.affinity_key(), second.Find("360p/chunk/1")->options.affinity_key());
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
  for (const char* at : {"probe", "plan/recorded", "720p/chunk/1", "360p/publish", "masters", "video/READY"}) {
    World world;
    SimulatedRun run = Start(Input());
    run.Work(std::ref(world), [&] { return run.Find(at) != nullptr; });
    ASSERT_NE(run.Find(at), nullptr) << at;
    run.Cancel();
    ASSERT_EQ(run.open().size(), 1u) << at;
    EXPECT_EQ(run.open()[0].id, "video/CANCELLED");
    run.Work(std::ref(world));
    EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED) << at;
    EXPECT_EQ(world.videos.back().state(), "CANCELLED");
  }
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

// Histories that must replay for as long as runs of their kind may be open. VORA_RECORD_HISTORIES=1 writes those that are missing.
TEST(StoredHistoryTest, EveryStoredHistoryReplays) {
  const std::filesystem::path folder = VORA_TESTDATA;
  if (std::getenv("VORA_RECORD_HISTORIES")) {
    World good, partial, bad;
    partial.failing = {"720p/chunk/1"};
    bad.failing = {"audio_0"};
    std::map<std::string, World*> worlds{{"ready", &good}, {"partial", &partial}, {"failed", &bad}};
    for (const auto& [name, world] : worlds) {
      SimulatedRun run = Start(Input());
      run.Work(std::ref(*world));
      const auto path = folder / ("ProcessVideo." + name + ".json");
      if (!std::filesystem::exists(path)) std::ofstream(path) << HistoryToJson(run.history()) << "\n";
    }
  }
  const Registry registry = AllWorkflows();
  int replayed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() != ".json") continue;
    std::stringstream text;
    text << std::ifstream(entry.path()).rdbuf();
    const std::string type = entry.path().stem().stem().string();
    const Status status = CheckReplay(registry, {"w", "r", "default", type}, HistoryFromJson(text.str()));
    EXPECT_TRUE(status.ok()) << entry.path() << ": " << ToText(status);
    ++replayed;
  }
  EXPECT_GE(replayed, 3);
}

}  // namespace
}  // namespace vora::workflows
