#pragma once

// For tests: a worker's context over a local store that can go away, and chunks of generated sources.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libs/layout/segment_list.h"
#include "libs/media/testing/test_media.h"
#include "libs/storage/open_store.h"
#include "libs/storage/testing/faulty_store.h"
#include "libs/testing/status_matchers.h"
#include "services/transcode-worker/activities/activities.h"
#include "services/transcode-worker/activities/encode_group.h"
#include "services/transcode-worker/activities/test_worker.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::transcode {

using media::v1::MediaInfo;
using storage::FaultyStore;
using workflow::StopCause;
using workflow::v1::EncodeChunkInput;
using workflow::v1::EncodeChunkResult;

class EncodeTest : public ::testing::Test {
 protected:
  EncodeTest() {
    auto store = storage::OpenObjectStore("file://" + folder_ / "store", metrics_);
    EXPECT_THAT(store, IsOk());
    store_ = std::make_unique<FaultyStore>(std::move(*store));
    options_.program = WorkerProgram();
    Remake();
  }
  void Remake() { context_ = std::make_unique<WorkerContext>(*store_, sources_, metrics_, options_); }

  void UseSource(const std::string& path) {
    ASSERT_THAT(store_->Put("raw/u1/original", media::ReadFile(path), {}), IsOk());
    RecordedExecution probe("media.Probe", "probe", Input<workflow::v1::ProbeInput>());
    const workflow::ActivityOutcome outcome = ProbeSource(*context_, probe);
    ASSERT_TRUE(outcome.ok) << outcome.failure.ShortDebugString();
    ASSERT_THAT(workflow::FromPayload(outcome.result, info_), IsOk());
  }
  template <typename T>
  T Input() {
    T input;
    input.set_source_key("raw/u1/original");
    return input;
  }
  EncodeChunkInput Chunk(int height, int first, int count, const std::string& prefix = "processed/v1") {
    EncodeChunkInput input = Input<EncodeChunkInput>();
    input.set_video_id("v1");
    input.set_object_prefix(prefix);
    *input.mutable_media() = info_;
    *input.mutable_track() = media::VideoPlan(info_, height * 16 / 9 / 2 * 2, height, 2, "veryfast");
    input.mutable_track()->mutable_rung()->set_threads(1);
    input.mutable_chunk()->set_index(first == 0 ? 0 : 1);
    input.mutable_chunk()->set_first_segment(first);
    input.mutable_chunk()->set_segment_count(count);
    return input;
  }
  // The item of a group, as the worker hands it to the handler.
  static std::shared_ptr<RecordedExecution> Task(const EncodeChunkInput& input, std::string checkpoint = {}) {
    workflow::v1::EncodeGroupInput group;
    group.set_video_id(input.video_id());
    group.set_source_key(input.source_key());
    group.set_object_prefix(input.object_prefix());
    *group.mutable_media() = input.media();
    group.add_tracks()->set_name("another");
    *group.add_tracks() = input.track();
    *group.mutable_chunk() = input.chunk();
    return std::make_shared<RecordedExecution>("media.EncodeGroup", IdOf(input), group, std::move(checkpoint), input.track().name());
  }
  static std::string IdOf(const EncodeChunkInput& input) {
    return input.track().name() + "/chunk/" + std::to_string(input.chunk().index());
  }
  void Run(const std::vector<std::shared_ptr<RecordedExecution>>& tasks) { RunEncodeGroup(*context_, {tasks.begin(), tasks.end()}); }
  std::string Object(const std::string& key) {
    const StatusOr<std::string> bytes = store_->Get(key);
    EXPECT_THAT(bytes, IsOk()) << key;
    return bytes.ok() ? *bytes : "";
  }
  static EncodeChunkResult Result(const RecordedExecution& task) {
    EncodeChunkResult result;
    EXPECT_EQ(task.ended(), "completed") << task.failure().ShortDebugString();
    EXPECT_THAT(workflow::FromPayload(task.result(), result), IsOk());
    *result.mutable_segments() = Unpacked(result.segments());
    return result;
  }
  static media::v1::TrackSegments Unpacked(media::v1::TrackSegments segments) {
    const auto list = layout::Unpack(segments);
    EXPECT_THAT(list, IsOk());
    segments.clear_packed_bytes();
    segments.clear_packed_durations();
    segments.clear_segments();
    for (const auto& segment : *list) *segments.add_segments() = segment;
    return segments;
  }
  static int Published(const std::string& checkpoint) {
    workflow::v1::EncodeChunkCheckpoint parsed;
    return workflow::FromPayload(checkpoint, parsed).ok() ? parsed.segments().segments_size() : 0;
  }

  TempFolder folder_;
  obs::Metrics metrics_;
  WorkerOptions options_;
  MediaInfo info_;
  std::unique_ptr<FaultyStore> store_;
  sources::Sources sources_;
  std::unique_ptr<WorkerContext> context_;
};

}  // namespace vora::transcode
