#include "libs/protojson/proto_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "libs/testing/status_matchers.h"
#include "vora/metadata/v1/metadata.pb.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora {
namespace {

namespace v1 = metadata::v1;

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

TEST(FromBodyTest, TakesWhatIsAllowedAndNamesWhatIsWrong) {
  workflow::v1::SetTenantSettingsRequest request;
  const auto read = [&](const std::string& body) { return FromBody(body, {"paused", "weight", "max_running"}, request); };
  EXPECT_THAT(read(""), IsOk());
  EXPECT_FALSE(request.has_paused());
  EXPECT_THAT(read(R"({"paused":true,"weight":2,"max_running":7})"), IsOk());
  EXPECT_TRUE(request.paused());
  EXPECT_EQ(request.weight(), 2);
  EXPECT_EQ(request.max_running(), 7);
  EXPECT_THAT(read(R"({"max_running":18446744073709551615})"), IsOk()) << "refused by whoever knows the limit";
  EXPECT_EQ(request.max_running(), INT32_MAX);
  const auto wrong = [](const std::string& text) { return StatusIs(StatusCode::kInvalidArgument, ::testing::HasSubstr(text)); };
  EXPECT_THAT(read("{"), wrong("body: not valid JSON"));
  EXPECT_THAT(read("[]"), wrong("body: must be a JSON object"));
  EXPECT_THAT(read(R"({"tenant":"t"})"), wrong("tenant: unknown field; known are paused, weight, max_running"));
  EXPECT_THAT(read(R"({"paused":"yes"})"), wrong("paused: must be true or false, got string"));
  EXPECT_THAT(read(R"({"weight":null})"), wrong("weight: must be a number, got null"));
  EXPECT_THAT(read(R"({"max_running":1.5})"), wrong("max_running: must be a whole number, got number"));
}

}  // namespace
}  // namespace vora
