#include "services/metadata/rows/progress.h"

#include <gtest/gtest.h>

namespace vora::metadata {
namespace {

RenditionView Rendition(int done = 0, int total = 10) {
  RenditionView view;
  view.name = "720p";
  view.width = 1280;
  view.height = 720;
  view.segments_done = done;
  view.segments_total = total;
  return view;
}

ActivityView Chunk(const std::string& id, double progress, int attempt = 1, bool started = true) {
  ActivityView view;
  view.activity_id = id;
  view.activity_type = "media.EncodeChunk";
  view.started = started;
  view.attempt = attempt;
  view.progress = progress;
  return view;
}

const ChunkLengths kChunks = {{0, 1}, {1, 3}, {2, 3}, {3, 3}};

TEST(ProgressTest, CountsSegmentsAndChunksInFlight) {
  const auto view = Advance(Rendition(1), kChunks, {Chunk("720p/chunk/1", 0.5), Chunk("720p/chunk/2", 1.0)});
  // 1 + 0.5 * 3 + 1.0 * 3 of 10.
  EXPECT_EQ(view.progress_percent, 55);
  EXPECT_EQ(view.state, v1::RENDITION_STATE_PROCESSING);
}

TEST(ProgressTest, OtherRenditionsAndOtherActivitiesDoNotCount) {
  auto record = Chunk("720p/chunk/1", 1.0);
  record.activity_type = "metadata.RecordSegments";
  const auto view = Advance(Rendition(), kChunks, {Chunk("1080p/chunk/1", 1.0), Chunk("72/chunk/1", 1.0), record});
  EXPECT_EQ(view.progress_percent, 0);
  EXPECT_EQ(view.state, v1::RENDITION_STATE_PENDING);
}

TEST(ProgressTest, NeverGoesBackAndStaysBelowHundred) {
  auto view = Advance(Rendition(), kChunks, {Chunk("720p/chunk/1", 1.0)});
  EXPECT_EQ(view.progress_percent, 30);
  view = Advance(view, kChunks, {Chunk("720p/chunk/1", 0.0, 2)});
  EXPECT_EQ(view.progress_percent, 30);
  view.segments_done = 10;
  EXPECT_EQ(Advance(view, kChunks, {Chunk("720p/chunk/3", 1.0)}).progress_percent, 99);
}

TEST(ProgressTest, ProgressOutsideItsRangeIsClamped) {
  EXPECT_EQ(Advance(Rendition(), kChunks, {Chunk("720p/chunk/1", 7.0)}).progress_percent, 30);
  EXPECT_EQ(Advance(Rendition(), kChunks, {Chunk("720p/chunk/1", -3.0)}).progress_percent, 0);
}

TEST(ProgressTest, AnActivityWithoutAChunkIsTheWholeTrack) {
  auto audio = Rendition(0, 8);
  audio.name = "audio_0";
  audio.is_video = false;
  auto encode = Chunk("audio_0", 0.5);
  encode.activity_type = "media.EncodeAudio";
  EXPECT_EQ(Advance(audio, kChunks, {encode}).progress_percent, 50);
}

TEST(ProgressTest, RetryingWhileAnAttemptThatFollowsAFailureIsPending) {
  auto failed = Chunk("720p/chunk/2", 0.2, 3, false);
  failed.has_failure = true;
  failed.failure = "the encoder was killed";
  auto view = Advance(Rendition(1), kChunks, {failed, Chunk("720p/chunk/1", 0.1, 2)});
  EXPECT_EQ(view.state, v1::RENDITION_STATE_RETRYING);
  EXPECT_EQ(view.failure, "the encoder was killed");
  EXPECT_EQ(Retries(view), 3);  // two of chunk 2, one of chunk 1
  view = Advance(view, kChunks, {Chunk("720p/chunk/3", 0.1)});
  EXPECT_EQ(view.state, v1::RENDITION_STATE_PROCESSING);
  EXPECT_EQ(view.failure, "");
  EXPECT_EQ(Retries(view), 3) << "retries are kept when the activity is done";
}

TEST(ProgressTest, FinalRenditionsAreLeftAlone) {
  for (const auto state : {v1::RENDITION_STATE_DONE, v1::RENDITION_STATE_FAILED}) {
    auto view = Rendition(3);
    view.state = state;
    view.progress_percent = 42;
    const auto after = Advance(view, kChunks, {Chunk("720p/chunk/1", 1.0, 5)});
    EXPECT_EQ(after.state, state);
    EXPECT_EQ(after.progress_percent, 42);
    EXPECT_TRUE(after.attempts.empty());
  }
}

TEST(ProgressTest, APublishedTrackAddsNothing) {
  auto publish = Chunk("720p/publish", 0.9);
  publish.activity_type = "media.PublishTrack";
  EXPECT_EQ(Advance(Rendition(5), kChunks, {publish}).progress_percent, 50);
}

TEST(ProgressTest, VideoPercentWeighsByPicture) {
  auto small = Rendition();
  small.name = "360p", small.width = 640, small.height = 360, small.state = v1::RENDITION_STATE_DONE;
  auto large = Rendition();
  large.progress_percent = 50;
  EXPECT_EQ(VideoPercent({small, large}), 60);  // (100 * 1 + 50 * 4) / 5
  EXPECT_EQ(VideoPercent({}), 0);
  large.state = v1::RENDITION_STATE_FAILED;
  EXPECT_EQ(VideoPercent({small, large}), 100) << "a failed rendition does not hold the others back";
  small.state = v1::RENDITION_STATE_FAILED;
  EXPECT_EQ(VideoPercent({small, large}), 0);
}

TEST(ProgressTest, IdsOfActivities) {
  EXPECT_EQ(RenditionOfActivity("720p/chunk/3"), "720p");
  EXPECT_EQ(RenditionOfActivity("audio_0"), "audio_0");
  EXPECT_EQ(ChunkOfActivity("720p/chunk/3"), 3);
  EXPECT_EQ(ChunkOfActivity("720p/chunk/12/record"), 12);
  for (const char* none : {"720p", "720p/chunk/", "720p/chunk/x", "720p/chunk/3x", "720p/chunk/-1", "720p/chunk/99999999999", ""}) {
    EXPECT_EQ(ChunkOfActivity(none), -1) << none;
  }
}

}  // namespace
}  // namespace vora::metadata
