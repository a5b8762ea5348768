#include "services/metadata/api/proto_json.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "vora/metadata/v1/metadata.pb.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::metadata {
namespace {

TEST(ProtoJsonTest, PrimitivesAreAlwaysThereAndMessagesOnlyWhenSet) {
  v1::Video video;
  video.set_video_id("v");
  video.set_state(v1::VIDEO_STATE_PARTIALLY_READY);
  video.set_source_bytes(5'000'000'000);
  video.set_duration_seconds(1.5);
  video.add_warnings("w");
  video.mutable_created_at()->set_seconds(1'700'000'000);
  video.mutable_created_at()->set_nanos(123'000'000);
  auto* rendition = video.add_renditions();
  rendition->set_name("720p");
  rendition->set_state(v1::RENDITION_STATE_RETRYING);
  const auto json = ToJson(video);
  EXPECT_EQ(json["video_id"], "v");
  EXPECT_EQ(json["state"], "PARTIALLY_READY");
  EXPECT_EQ(json["source_bytes"], 5'000'000'000);
  EXPECT_TRUE(json["source_bytes"].is_number_integer());
  EXPECT_EQ(json["duration_seconds"], 1.5);
  EXPECT_EQ(json["warnings"], nlohmann::ordered_json({"w"}));
  EXPECT_EQ(json["created_at"], "2023-11-14T22:13:20.123Z");
  EXPECT_EQ(json["title"], "");
  EXPECT_EQ(json["playable"], false);
  EXPECT_EQ(json["progress_percent"], 0);
  EXPECT_FALSE(json.contains("ready_at"));
  EXPECT_EQ(json["renditions"][0]["state"], "RETRYING");
  EXPECT_EQ(json["renditions"][0]["retries"], 0);
}

TEST(ProtoJsonTest, EnumPrefixesComeFromTheirZero) {
  workflow::v1::DescribeWorkflowResponse described;
  described.mutable_info()->set_status(workflow::v1::WORKFLOW_STATUS_TIMED_OUT);
  described.add_pending_activities()->set_state(workflow::v1::PENDING_ACTIVITY_STATE_CANCEL_REQUESTED);
  const auto json = ToJson(described);
  EXPECT_EQ(json["info"]["status"], "TIMED_OUT");
  EXPECT_EQ(json["pending_activities"][0]["state"], "CANCEL_REQUESTED");
}

TEST(ProtoJsonTest, TextIsValidWhateverTheBytes) {
  v1::Video video;
  video.set_title("quote \" and \\ and \xf0\x9f\x98\x80");
  const auto parsed = nlohmann::json::parse(ToJsonText(video));
  EXPECT_EQ(parsed["title"], "quote \" and \\ and \xf0\x9f\x98\x80");
}

}  // namespace
}  // namespace vora::metadata
