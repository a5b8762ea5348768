#include "services/amqp-bridge/replies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/testing/status_matchers.h"

namespace vora::amqp {
namespace {

using nlohmann::json;

const Recipient kRecipient{"task-1", "answers"};
constexpr char kNow[] = "2026-11-30T12:00:00.000Z";

metadata::v1::Video SomeVideo() {
  metadata::v1::Video video;
  video.set_video_id("v1");
  video.set_tenant("default");
  video.set_title("News");
  video.set_state(metadata::v1::VIDEO_STATE_CREATED);
  video.set_version(7);
  (*video.mutable_labels())["show"] = "news";
  return video;
}

metadata::v1::Event SomeEvent(const std::string& type, const std::string& state, const json& failure) {
  metadata::v1::Event event;
  event.set_event_id("msg_1");
  event.set_type(type);
  event.set_body(
      json{{"type", type},
           {"timestamp", kNow},
           {"data", {{"video_id", "v1"}, {"state", state}, {"labels", {{"show", "news"}}}, {"failure", failure}, {"version", 9}}}}
          .dump());
  event.add_recipients(TextOf(kRecipient));
  return event;
}

TEST(RepliesTest, AcceptedTellsOfTheVideoAsItIs) {
  const Reply reply = AcceptedReply(kRecipient, SomeVideo(), kNow);
  EXPECT_EQ(reply.type, "task.accepted");
  EXPECT_EQ(reply.correlation_id, "task-1");
  EXPECT_EQ(reply.reply_to, "answers");
  EXPECT_EQ(reply.message_id, AcceptedReply(kRecipient, SomeVideo(), "later").message_id) << "the same when it is sent again";
  EXPECT_NE(reply.message_id, AcceptedReply({"task-2", ""}, SomeVideo(), kNow).message_id);
  const json body = json::parse(reply.body);
  EXPECT_EQ(body["task_id"], "task-1");
  EXPECT_EQ(body["status"], "RECEIVED");
  EXPECT_EQ(body["result"], nullptr);
  EXPECT_EQ(body["data"]["video_id"], "v1");
  EXPECT_EQ(body["data"]["state"], "CREATED");
  EXPECT_EQ(body["data"]["labels"], (json{{"show", "news"}}));
  EXPECT_FALSE(body["data"].contains("hls_url"));
  metadata::v1::Video ready = SomeVideo();
  ready.set_state(metadata::v1::VIDEO_STATE_READY);
  ready.set_hls_url("http://edge/v/v1/master.m3u8");
  const json again = json::parse(AcceptedReply(kRecipient, ready, kNow).body);
  EXPECT_EQ(again["status"], "SUCCESS") << "another task has brought it so far";
  EXPECT_EQ(again["result"]["hls_url"], "http://edge/v/v1/master.m3u8");
}

TEST(RepliesTest, RefusedNamesTheFieldAndTheLimit) {
  const Status why = InvalidField("title", "at most 200 characters", "200 characters");
  Message message;
  message.body = "{}";
  message.message_id = "m";
  const Reply reply = RefusedReply(kRecipient, message, why, kNow);
  const json body = json::parse(reply.body);
  EXPECT_EQ(body["type"], "task.refused");
  EXPECT_EQ(body["error"]["field"], "title");
  EXPECT_EQ(body["error"]["limit"], "200 characters");
  EXPECT_EQ(body["error"]["reason"], "invalid_argument");
  EXPECT_EQ(body["status"], "FAILURE");
  EXPECT_EQ(body["result"]["exc_type"], "invalid_argument");
  EXPECT_EQ(reply.message_id, RefusedReply(kRecipient, message, why, "later").message_id);
  message.body = "[]";
  EXPECT_NE(reply.message_id, RefusedReply(kRecipient, message, why, kNow).message_id);
}

TEST(RepliesTest, AnEventIsToldToEachWhoAskedForItsVideo) {
  metadata::v1::Event event = SomeEvent("video.ready", "READY", nullptr);
  EXPECT_EQ(*VideoOf(event), "v1");
  event.add_recipients(TextOf({"task-2", ""}));
  event.add_recipients("of somebody else");
  metadata::v1::Video video = SomeVideo();
  video.set_hls_url("http://edge/v/v1/master.m3u8");
  video.set_dash_url("http://edge/v/v1/manifest.mpd");
  const auto replies = EventReplies(event, video);
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_NE(replies[0].message_id, replies[1].message_id);
  EXPECT_EQ(replies[0].type, "video.ready");
  EXPECT_EQ(replies[1].correlation_id, "task-2");
  const json body = json::parse(replies[0].body);
  EXPECT_EQ(body["timestamp"], kNow);
  EXPECT_EQ(body["status"], "SUCCESS");
  EXPECT_EQ(body["data"]["hls_url"], "http://edge/v/v1/master.m3u8");
  EXPECT_EQ(body["data"]["labels"], (json{{"show", "news"}}));
  EXPECT_EQ(body["result"], body["data"]);
  EXPECT_TRUE(body.contains("traceback"));
  EXPECT_EQ(body["children"], json::array());
}

TEST(RepliesTest, StatesAreCeleryStates) {
  const auto told = [](const std::string& type, const std::string& state, const json& failure = nullptr) {
    return json::parse(EventReplies(SomeEvent(type, state, failure), std::nullopt).at(0).body);
  };
  EXPECT_EQ(told("video.processing", "PROCESSING")["status"], "STARTED");
  EXPECT_EQ(told("video.partially_ready", "PARTIALLY_READY")["status"], "STARTED");
  EXPECT_EQ(told("video.cancelled", "CANCELLED")["status"], "REVOKED");
  EXPECT_EQ(told("video.deleted", "READY")["status"], "REVOKED") << "whatever state it was in";
  const json failed = told("video.failed", "FAILED", {{"code", "media.no_video"}, {"message", "there is no picture"}});
  EXPECT_EQ(failed["status"], "FAILURE");
  EXPECT_EQ(failed["result"]["exc_type"], "media.no_video");
  EXPECT_EQ(failed["result"]["exc_message"], json::array({"there is no picture"}));
  EXPECT_EQ(failed["data"]["failure"]["code"], "media.no_video");
}

TEST(RepliesTest, AnEventWithoutRecipientsIsNobodys) {
  metadata::v1::Event event = SomeEvent("video.ready", "READY", nullptr);
  event.clear_recipients();
  EXPECT_THAT(EventReplies(event, std::nullopt), ::testing::IsEmpty());
  event.set_body("[]");
  EXPECT_THAT(VideoOf(event), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace vora::amqp
