#include "libs/workflow/definition/payload.h"

#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include <limits>
#include <random>

#include "libs/testing/status_matchers.h"
#include "libs/workflow/definition/usual_json_internal.h"
#include "vora/workflow/v1/process_video.pb.h"
#include "vora/workflow/v1/workflow.pb.h"

namespace vora::workflow {
namespace {

v1::EncodeChunkResult ChunkResult() {
  v1::EncodeChunkResult result;
  result.set_decode_seconds(0.125);
  result.mutable_segments()->set_track("360p \"\\\n\u00e4\u20ac<");
  for (int i = 0; i < 3; ++i) {
    auto* segment = result.mutable_segments()->add_segments();
    segment->set_index(i);
    segment->set_duration(i == 0 ? std::numeric_limits<int64_t>::max() : 120'000);
  }
  return result;
}

// What protobuf's own parser makes of it.
template <class Message>
bool ReadSlowly(const std::string& json, Message& message) {
  google::protobuf::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return google::protobuf::util::JsonStringToMessage(json, &message, options).ok();
}

template <class Message>
void ExpectSameAsProtobuf(const std::string& json) {
  Message expected, read;
  read.mutable_segments()->set_track("left over");
  const bool ok = ReadSlowly(json, expected);
  EXPECT_EQ(FromPayload(json, read).ok(), ok) << json;
  EXPECT_EQ(ok ? read.SerializeAsString() : "", ok ? expected.SerializeAsString() : "") << json;
}

TEST(PayloadTest, WhatProtobufWritesIsReadTheFastWay) {
  v1::EncodeChunkResult read;
  const v1::EncodeChunkResult result = ChunkResult();
  ASSERT_TRUE(ReadUsualJson(ToPayload(result), read));
  EXPECT_EQ(read.SerializeAsString(), result.SerializeAsString());
  v1::ProcessVideoInput input;
  input.set_video_id("v1");
  input.set_poster_done(true);
  input.set_pipeline_version(-2);
  input.add_parts_done("a");
  input.add_parts_done("b");
  input.mutable_media()->mutable_video()->set_width(640);
  v1::ProcessVideoInput input_read;
  ASSERT_TRUE(ReadUsualJson(ToPayload(input), input_read));
  EXPECT_EQ(input_read.SerializeAsString(), input.SerializeAsString());
}

TEST(PayloadTest, EverythingElseIsReadAsProtobufReadsIt) {
  for (const char* segments : {R"({})",
                               R"(null)",
                               R"([])",
                               R"("x")",
                               R"({"track":"a","track":"b"})",
                               R"({"track":null})",
                               R"({"track":1})",
                               R"({"tr\u0061ck":"x"})",
                               R"({"track":"\ud83d\ude00"})",
                               R"({"track":"\ud83d"})",
                               R"({"track":"\u0000"})",
                               "{\"track\":\"\xff\"}",
                               R"({"unknown":[1,{"a":2}]})",
                               R"({"segments":[]})",
                               R"({"segments":{}})",
                               R"({"segments":[{"index":1}],"segments":[{"index":2}]})",
                               R"({"segments":[null]})",
                               R"({"segments":[{"index":"1"}]})",
                               R"({"segments":[{"index":1.0}]})",
                               R"({"segments":[{"index":1.5}]})",
                               R"({"segments":[{"index":2147483648}]})",
                               R"({"segments":[{"index":-2147483648}]})",
                               R"({"segments":[{"index":true}]})",
                               R"({"segments":[{"duration":"12"}]})",
                               R"({"segments":[{"duration":12}]})",
                               R"({"segments":[{"duration":"012"}]})",
                               R"({"segments":[{"duration":" 12"}]})",
                               R"({"segments":[{"duration":"1e2"}]})",
                               R"({"segments":[{"duration":"-0"}]})",
                               R"({"segments":[{"duration":"-12"}]})",
                               R"({"segments":[{"duration":"9223372036854775808"}]})",
                               R"({"segments":[{"duration":9223372036854775808}]})",
                               R"({"segments":[{"duration":""}]})"}) {
    ExpectSameAsProtobuf<v1::EncodeChunkResult>(R"({"segments":)" + std::string(segments) + "}");
  }
  for (const char* json :
       {"{}", " {} ", "[]", "1", "{", "{}{}", "{} x", R"({"decodeSeconds":1})", R"({"decodeSeconds":"1.5"})", R"({"decodeSeconds":"NaN"})",
        R"({"decodeSeconds":1e400})", R"({"decodeSeconds":-0.0})", R"({"decode_seconds":2})", R"({"decodeSeconds":true})",
        R"({"segments":{"track":"a"},"segments":{"codecs":"b"}})"}) {
    ExpectSameAsProtobuf<v1::EncodeChunkResult>(json);
  }
}

TEST(PayloadTest, DamagedTextsAreReadAsProtobufReadsThem) {
  const std::string text = ToPayload(ChunkResult());
  const std::string bytes = "\"\\{}[]:,.-+0123456789eEtrufalsn \xc3\xff";
  std::mt19937 random(1);
  for (int i = 0; i < 20'000; ++i) {
    std::string damaged = text;
    for (size_t change = random() % 3 + 1; change > 0; --change) {
      const size_t at = random() % damaged.size();
      if (random() % 3 == 0) damaged.erase(at, 1);
      if (random() % 3 == 0) damaged.insert(at, 1, bytes[random() % bytes.size()]);
      damaged[at] = bytes[random() % bytes.size()];
    }
    ExpectSameAsProtobuf<v1::EncodeChunkResult>(damaged);
  }
}

TEST(PayloadTest, OptionsWithDurationsAndLists) {
  v1::ActivityOptions options, read;
  options.mutable_heartbeat_timeout()->set_seconds(10);
  options.mutable_retry()->add_non_retryable_error_types("media.*");
  ASSERT_THAT(FromPayload(ToPayload(options), read), IsOk());
  EXPECT_EQ(read.SerializeAsString(), options.SerializeAsString());
  ASSERT_THAT(FromPayload("", read), IsOk());
  EXPECT_EQ(read.ByteSizeLong(), 0u) << "no payload is an empty message";
  const Status bad = FromPayload(R"({"priority":"high"})", read);
  EXPECT_THAT(bad, StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Message(bad), ::testing::StartsWith("vora.workflow.v1.ActivityOptions: "));
}

TEST(PayloadTest, TheBoundHolds) {
  const auto expect_bound = [](const google::protobuf::Message& message, size_t slack) {
    const size_t size = ToPayload(message).size();
    EXPECT_GE(PayloadBound(message), size);
    EXPECT_LE(PayloadBound(message), slack * size) << "of use only when it is near";
  };
  v1::PublishMastersInput input;
  input.set_duration_seconds(-1.0 / 3);
  for (int i = 0; i < 5000; ++i) {
    auto* segment = input.mutable_segments()->Add()->add_segments();
    segment->set_index(i);
    segment->set_duration(i % 2 ? 1 : std::numeric_limits<int64_t>::min());
    segment->set_bytes(100'000 + i);
  }
  expect_bound(input, 2);
  v1::ProcessVideoInput controls;
  controls.set_video_id(std::string(200'000, '\x1f'));
  expect_bound(controls, 2);
  v1::DescribeWorkflowResponse own;
  for (int i = 0; i < 5000; ++i) own.add_pending_activities()->mutable_next_attempt_time()->set_seconds(i);
  expect_bound(own, 4);
  expect_bound(v1::ActivityOptions(), 1);
}

TEST(PayloadTest, LargeTextsAreReadToo) {
  v1::ProcessVideoInput input, read;
  input.set_video_id(std::string(500'000, 'v'));
  ASSERT_TRUE(ReadUsualJson(ToPayload(input), read));
  EXPECT_EQ(read.video_id().size(), 500'000u);
  std::string deep = R"({"decodeSeconds":)";
  deep += std::string(5000, '[') + std::string(5000, ']') + "}";
  v1::EncodeChunkResult result;
  EXPECT_THAT(FromPayload(deep, result), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace vora::workflow
