#include "libs/workflow/core/progress_sums.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace vora::workflow {
namespace {

using ::testing::SizeIs;

TaskRow Running(int64_t event_id, const std::string& activity_id, double progress) {
  TaskRow task;
  task.run_id = "r";
  task.scheduled_event_id = event_id;
  task.workflow_id = "w";
  task.activity_type = "media.Encode";
  task.activity_id = activity_id;
  task.started = true;
  task.progress = progress;
  return task;
}

std::string FailureText(const std::string& message) { return FailureToJson(MakeFailure("broken", message)).dump(); }

// With items `360p` and `720p`.
TaskRow Chunk(int64_t event_id, double low, double high) {
  TaskRow task = Running(event_id, "chunk/" + std::to_string(event_id), 0);
  task.items = {{"360p", 1, 0, ""}, {"720p", 4, 0, ""}};
  task.item_progress = nlohmann::json{{"360p", low}, {"720p", high}}.dump();
  task.progress_weight = 3;
  return task;
}

const v1::RunProgress& Only(const std::map<std::string, v1::RunProgress>& runs) {
  EXPECT_THAT(runs, SizeIs(1));
  return runs.begin()->second;
}

TEST(ProgressSumsTest, ItemsAndActivitiesAreSummedUpByTheirNames) {
  const auto runs = SumProgress({Chunk(5, 0.5, 0.25), Chunk(6, 1, 7), Running(4, "audio_0/part/1", 0.5), Running(3, "audio_0", 0.25)});
  const auto& run = Only(runs);
  EXPECT_EQ(run.workflow_id(), "w");
  EXPECT_EQ(run.run_id(), "r");
  EXPECT_EQ(run.status(), v1::WORKFLOW_STATUS_RUNNING);
  ASSERT_EQ(run.activities_size(), 3);
  EXPECT_EQ(run.activities(0).name(), "360p");
  EXPECT_EQ(run.activities(0).activity_type(), "media.Encode");
  EXPECT_EQ(run.activities(0).running(), 2);
  EXPECT_DOUBLE_EQ(run.activities(0).progress(), 4.5);
  EXPECT_DOUBLE_EQ(run.activities(1).progress(), 3.75) << "no more than 1 each";
  EXPECT_EQ(run.activities(2).name(), "audio_0");
  EXPECT_EQ(run.activities(2).running(), 2);
  EXPECT_DOUBLE_EQ(run.activities(2).progress(), 0.75);
}

TEST(ProgressSumsTest, WhatIsTriedAgainIsNamed) {
  TaskRow waiting = Chunk(5, 0, 0), running = Chunk(6, 0.5, 0.5);
  waiting.started = false;
  waiting.attempt = 2;
  waiting.items[1].failures = 1;
  waiting.items[1].last_failure = FailureText("first");
  running.attempt = 3;
  running.losses = 1;
  running.last_failure = FailureText("the worker went silent");
  running.items[1].failures = 1;
  running.items[1].last_failure = FailureText("second");
  const auto runs = SumProgress({running, waiting});
  const auto& low = Only(runs).activities(0);
  EXPECT_EQ(low.running(), 1);
  EXPECT_EQ(low.failed(), 1);
  EXPECT_EQ(low.failure(), "the worker went silent");
  ASSERT_EQ(low.retried_size(), 1);
  EXPECT_EQ(low.retried(0).activity_id(), "360p/chunk/6");
  EXPECT_EQ(low.retried(0).attempt(), 2);
  const auto& high = Only(runs).activities(1);
  EXPECT_EQ(high.running(), 1);
  EXPECT_EQ(high.failed(), 2);
  EXPECT_EQ(high.failure(), "second") << "of the last to be scheduled";
  ASSERT_EQ(high.retried_size(), 2);
  EXPECT_EQ(high.retried(0).attempt(), 2);
  EXPECT_EQ(high.retried(1).activity_id(), "720p/chunk/6");
  EXPECT_EQ(high.retried(1).attempt(), 3);
}

TEST(ProgressSumsTest, TheOrderOfTasksMakesNoDifference) {
  std::vector<TaskRow> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(Chunk(i, 0.1 * i, 0.05 * i));
  const std::string before = Only(SumProgress(tasks)).SerializeAsString();
  std::reverse(tasks.begin(), tasks.end());
  EXPECT_EQ(Only(SumProgress(tasks)).SerializeAsString(), before);
}

TEST(ProgressSumsTest, ARunIsTheSameFewBytesHoweverLongItIs) {
  std::vector<TaskRow> tasks;
  for (int i = 0; i < 10'000; ++i) tasks.push_back(Chunk(i, 0.5, 0.5));
  EXPECT_LT(Only(SumProgress(tasks)).ByteSizeLong(), 200u);
  const std::string failure = FailureText(std::string(5000, 'x'));
  for (auto& task : tasks) {
    task.attempt = 2;
    for (auto& item : task.items) item.failures = 1, item.last_failure = failure;
  }
  const auto runs = SumProgress(tasks);
  EXPECT_LT(Only(runs).ByteSizeLong(), 10'000u);
  const auto& sum = Only(runs).activities(0);
  EXPECT_EQ(sum.failed(), 10'000);
  EXPECT_EQ(sum.retried_size(), kMaxRetried);
  EXPECT_EQ(sum.retried(kMaxRetried - 1).activity_id(), "360p/chunk/9999");
}

TEST(ProgressSumsTest, NamesWithoutNumberBecomeOne) {
  std::vector<TaskRow> tasks;
  for (int i = 0; i < 1000; ++i) tasks.push_back(Running(i, "own name " + std::to_string(i), 0.5));
  const auto runs = SumProgress(tasks);
  const auto& run = Only(runs);
  ASSERT_EQ(run.activities_size(), kMaxSums);
  EXPECT_EQ(run.activities(0).running(), 1);
  const auto& rest = run.activities(kMaxSums - 1);
  EXPECT_EQ(rest.name(), "");
  EXPECT_EQ(rest.running(), 1000 - kMaxSums + 1);
  EXPECT_DOUBLE_EQ(rest.progress(), 0.5 * rest.running());
}

}  // namespace
}  // namespace vora::workflow
