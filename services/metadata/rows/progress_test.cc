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

// Of chunks under way; `progress` in segments.
workflow::v1::ActivityProgress Chunks(double progress, const std::string& rendition = "720p", int running = 1) {
  workflow::v1::ActivityProgress sum;
  sum.set_activity_type("media.EncodeGroup");
  sum.set_name(rendition);
  sum.set_running(running);
  sum.set_progress(progress);
  return sum;
}

void Retried(workflow::v1::ActivityProgress& sum, const std::string& id, int attempt) {
  auto* retried = sum.add_retried();
  retried->set_activity_id(id);
  retried->set_attempt(attempt);
}

RenditionView AfterAll(const RenditionView& view, const std::vector<workflow::v1::ActivityProgress>& sums) {
  return Advance(view, {sums.begin(), sums.end()});
}

TEST(ProgressTest, CountsSegmentsAndWhatIsInFlight) {
  const auto view = AfterAll(Rendition(1), {Chunks(4.5)});
  EXPECT_EQ(view.progress_percent, 55);
  EXPECT_EQ(view.state, v1::RENDITION_STATE_PROCESSING);
}

TEST(ProgressTest, OtherRenditionsAndOtherActivitiesDoNotCount) {
  auto record = Chunks(1);
  record.set_activity_type("metadata.RecordSegments");
  const auto view = AfterAll(Rendition(), {Chunks(1, "1080p"), Chunks(1, "72"), record});
  EXPECT_EQ(view.progress_percent, 0);
  EXPECT_EQ(view.state, v1::RENDITION_STATE_PENDING);
}

TEST(ProgressTest, NeverGoesBackAndStaysBelowHundred) {
  auto view = AfterAll(Rendition(), {Chunks(3)});
  EXPECT_EQ(view.progress_percent, 30);
  view = AfterAll(view, {Chunks(0)});
  EXPECT_EQ(view.progress_percent, 30);
  view.segments_done = 10;
  EXPECT_EQ(AfterAll(view, {Chunks(3)}).progress_percent, 99);
}

TEST(ProgressTest, WhatWaitsDoesNotBeginARendition) {
  EXPECT_EQ(AfterAll(Rendition(), {Chunks(0, "720p", 0)}).state, v1::RENDITION_STATE_PENDING);
  EXPECT_EQ(AfterAll(Rendition(), {Chunks(0)}).state, v1::RENDITION_STATE_PROCESSING);
}

TEST(ProgressTest, RetryingWhileAnAttemptThatFollowsAFailureIsUnderWay) {
  auto chunks = Chunks(0.3);
  Retried(chunks, "720p/chunk/1", 2);
  Retried(chunks, "720p/chunk/2", 3);
  chunks.set_failed(1);
  chunks.set_failure("the encoder was killed");
  auto view = AfterAll(Rendition(1), {chunks});
  EXPECT_EQ(view.state, v1::RENDITION_STATE_RETRYING);
  EXPECT_EQ(view.failure, "the encoder was killed");
  EXPECT_EQ(Retries(view), 3);  // two of chunk 2, one of chunk 1
  view = AfterAll(view, {Chunks(0.1)});
  EXPECT_EQ(view.state, v1::RENDITION_STATE_PROCESSING);
  EXPECT_EQ(view.failure, "");
  EXPECT_EQ(Retries(view), 3) << "retries are kept when the activity is done";
}

TEST(ProgressTest, FinalRenditionsAreLeftAlone) {
  for (const auto state : {v1::RENDITION_STATE_DONE, v1::RENDITION_STATE_FAILED}) {
    auto view = Rendition(3);
    view.state = state;
    view.progress_percent = 42;
    auto chunks = Chunks(1);
    Retried(chunks, "720p/chunk/1", 5);
    const auto after = AfterAll(view, {chunks});
    EXPECT_FALSE(Differs(view, after));
    EXPECT_TRUE(after.attempts.empty());
  }
}

TEST(ProgressTest, APublishedTrackAddsNothing) {
  auto publish = Chunks(0.9);
  publish.set_activity_type("media.PublishTrack");
  EXPECT_EQ(AfterAll(Rendition(5), {publish}).progress_percent, 50);
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

}  // namespace
}  // namespace vora::metadata
