#include "services/analytics-ingest/formats/json_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "libs/testing/status_matchers.h"
#include "services/analytics-ingest/test_rows.h"

namespace vora::analytics {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int64_t kMaxEvents = 10;

ViewerHasher& Hasher() {
  static ViewerHasher hasher({.secret = "secret-for-tests"});
  return hasher;
}

Batch NewBatch() {
  Event base;
  base.server_ms = 1'700'000'000'000;
  base.client_net = "203.0.113.0/24";
  return Batch(base, Hasher());
}

Status Read(std::string body, Batch& batch, bool lines = false) {
  return lines ? ReadJsonLines(body, kMaxEvents, batch) : ReadJsonEvents(body, kMaxEvents, batch);
}

TEST(JsonEvents, EveryMemberArrives) {
  Batch batch = NewBatch();
  ASSERT_EQ(ToText(Read(R"({"video_id":"v-1","session_id":"s_1","sequence":7,"type":"stall","player_time":"2023-11-14T23:13:20.25+01:00",
      "position_seconds":61.5,"duration_seconds":0.25,"rendition":"720p","bitrate":3000000,"segment_index":15,"error_code":"E 1",
      "viewer_id":"bob@example.com","buffer_seconds":12,"throughput":8000999,"bytes":1234567,"not_known":{"a":[1]}})",
                        batch)),
            "OK");
  EXPECT_EQ(batch.accepted(), 1);
  const auto events = EventsOf(batch);
  ASSERT_EQ(events.size(), 1u);
  const Event& e = events[0];
  EXPECT_EQ(e.tenant, "default");
  EXPECT_EQ(e.video_id, "v-1");
  EXPECT_EQ(e.session_id, "s_1");
  EXPECT_EQ(e.sequence, 7);
  EXPECT_EQ(e.type, EventType::kStall);
  EXPECT_EQ(e.source, EventSource::kJson);
  EXPECT_EQ(e.server_ms, 1'700'000'000'000);
  EXPECT_EQ(e.player_ms, 1'700'000'000'250);
  EXPECT_EQ(e.position_ms, 61'500u);
  EXPECT_EQ(e.duration_ms, 250u);
  EXPECT_EQ(e.rendition, "720p");
  EXPECT_EQ(e.bitrate, 3'000'000u);
  EXPECT_EQ(e.segment_index, 15);
  EXPECT_EQ(e.error_code, "E 1");
  EXPECT_EQ(e.buffer_ms, 12'000u);
  EXPECT_EQ(e.throughput_kbps, 8000u);
  EXPECT_EQ(e.bytes, 1'234'567u);
  EXPECT_EQ(e.client_net, "203.0.113.0/24");
  EXPECT_EQ(e.viewer, Hasher().Hash("default", "bob@example.com", e.server_ms));
  EXPECT_EQ(e.viewer.size(), 32u);
}

TEST(JsonEvents, EnvelopeGivesWhatEventsDoNotSay) {
  Batch batch = NewBatch();
  // The defaults may stand after the events; an event's own member wins; sequence and type are never shared.
  ASSERT_EQ(ToText(Read(R"({"events":[{"type":"play","sequence":0},{"type":"pause","video_id":"other","viewer_id":"eve"},{}],
                          "video_id":"v","session_id":"s","viewer_id":"bob","rendition":"480p","sequence":99,"type":"ended"})",
                        batch)),
            "OK");
  EXPECT_EQ(batch.accepted(), 2);
  ASSERT_EQ(batch.rejections().size(), 1u);
  EXPECT_EQ(batch.rejections()[0].index, 2);
  EXPECT_EQ(batch.rejections()[0].field, "type");
  const auto events = EventsOf(batch);
  EXPECT_EQ(events[0].video_id, "v");
  EXPECT_EQ(events[0].rendition, "480p");
  EXPECT_EQ(events[0].sequence, 0);
  EXPECT_EQ(events[0].viewer, Hasher().Hash("default", "bob", events[0].server_ms));
  EXPECT_EQ(events[1].video_id, "other");
  EXPECT_LT(events[1].sequence, -(int64_t{1} << 59));  // random: two without one stay two
  EXPECT_EQ(events[1].viewer, Hasher().Hash("default", "eve", events[1].server_ms));
}

TEST(JsonEvents, NullsAndNumbersAsPlayersWriteThem) {
  Batch batch = NewBatch();
  ASSERT_EQ(ToText(Read(R"([{"video_id":"v","session_id":"s","type":"play","sequence":2.0,"player_time":1700000000123.75,"bitrate":3e6,
                           "rendition":null,"viewer_id":null,"position_seconds":0}])",
                        batch)),
            "OK");
  const auto events = EventsOf(batch);
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].sequence, 2);
  EXPECT_EQ(events[0].player_ms, 1'700'000'000'123);
  EXPECT_EQ(events[0].bitrate, 3'000'000u);
  EXPECT_EQ(events[0].viewer, "");
}

TEST(JsonEvents, EachMistakeNamesItsFieldAndLimit) {
  const std::string long_id(65, 'x');
  struct Case {
    std::string members, field, reason;
  };
  const Case cases[] = {
      {R"("video_id":"")", "video_id", "1 to 64 characters of A-Z a-z 0-9 - _"},
      {R"("video_id":"a/b")", "video_id", "1 to 64 characters"},
      {R"("video_id":")" + long_id + "\"", "video_id", "1 to 64 characters"},
      {R"("video_id":5)", "video_id", "must be a string"},
      {R"("session_id":"ä")", "session_id", "1 to 64 characters"},
      {R"("session_id":["s"])", "session_id", "must be a string"},
      {R"("type":"Play")", "type", "must be one of play, pause"},
      {R"("type":"delivery")", "type", "must be one of play, pause"},
      {R"("type":1)", "type", "must be a string"},
      {R"("sequence":-1)", "sequence", "from 0 to 9007199254740992"},
      {R"("sequence":1.5)", "sequence", "from 0 to 9007199254740992"},
      {R"("sequence":9007199254740993)", "sequence", "from 0 to 9007199254740992"},
      {R"("sequence":18446744073709551615)", "sequence", "from 0 to 9007199254740992"},
      {R"("sequence":"1")", "sequence", "must be a whole number"},
      {R"("player_time":"yesterday")", "player_time", "RFC 3339"},
      {R"("player_time":"2023-02-29T00:00:00Z")", "player_time", "RFC 3339"},
      {R"("player_time":"1969-12-31T23:59:59Z")", "player_time", "RFC 3339"},
      {R"("player_time":-1)", "player_time", "from 0 to 253402300799999"},
      {R"("player_time":1e30)", "player_time", "from 0 to 253402300799999"},
      {R"("player_time":true)", "player_time", "RFC 3339 time or Unix milliseconds"},
      {R"("position_seconds":-0.1)", "position_seconds", "from 0 to 604800"},
      {R"("position_seconds":604801)", "position_seconds", "from 0 to 604800"},
      {R"("position_seconds":"1")", "position_seconds", "must be a number of seconds"},
      {R"("duration_seconds":1e9)", "duration_seconds", "from 0 to 604800"},
      {R"("buffer_seconds":-1)", "buffer_seconds", "from 0 to 604800"},
      {R"("bitrate":4000000001)", "bitrate", "from 0 to 4000000000"},
      {R"("bitrate":-5)", "bitrate", "from 0 to 4000000000"},
      {R"("segment_index":2147483648)", "segment_index", "from 0 to 2147483647"},
      {R"("throughput":4000000000001)", "throughput", "from 0 to 4000000000000"},
      {R"("bytes":-1)", "bytes", "from 0 to 9007199254740992"},
      {R"("rendition":")" + long_id + "\"", "rendition", "at most 64 characters"},
      {R"("rendition":"a\nb")", "rendition", "printable ASCII"},
      {R"("error_code":")" + long_id + "\"", "error_code", "at most 64 characters"},
      {R"("viewer_id":")" + long_id + "\"", "viewer_id", "at most 64 bytes"},
  };
  for (const Case& c : cases) {
    Batch batch = NewBatch();
    // The last of two equal members counts for values; the first mistake is told.
    const std::string valid = R"("video_id":"v","session_id":"s","type":"play",)";
    ASSERT_EQ(ToText(Read("[{" + valid + c.members + "}]", batch)), "OK") << c.members;
    EXPECT_EQ(batch.accepted(), 0) << c.members;
    ASSERT_EQ(batch.rejections().size(), 1u) << c.members;
    EXPECT_EQ(batch.rejections()[0].field, c.field) << c.members;
    EXPECT_THAT(batch.rejections()[0].reason, HasSubstr(c.reason)) << c.members;
    EXPECT_TRUE(EventsOf(batch).empty());
  }
}

TEST(JsonEvents, WhatIsMissing) {
  for (const std::string missing : {"video_id", "session_id", "type"}) {
    std::string body = "{";
    for (const auto& [name, value] : {std::pair{"video_id", "v"}, {"session_id", "s"}, {"type", "play"}}) {
      if (name != missing) body.append(body.size() > 1 ? "," : "").append("\"").append(name).append("\":\"").append(value).append("\"");
    }
    Batch batch = NewBatch();
    ASSERT_EQ(ToText(Read(body + "}", batch)), "OK");
    ASSERT_EQ(batch.rejections().size(), 1u);
    EXPECT_EQ(batch.rejections()[0].field, missing);
    EXPECT_EQ(batch.rejections()[0].reason, "is missing");
  }
}

TEST(JsonEvents, ABodyThatIsNoneSaysWhere) {
  struct Case {
    std::string body, message;
  };
  const Case cases[] = {
      {"[{]", "the body is not JSON: parse error at line 1, column 3"},
      {"[\n{\"a\":1},\n{\"a\" 2}]", "line 3, column 6"},
      {"{\"video_id\":\"v\"", "line 1, column 16"},
      {"5", "must be an event, an array of events"},
      {"\"text\"", "must be an event, an array of events"},
      {"{\"events\":{}}", "events: must be an array"},
      {"{\"events\":[],\"video_id\":\"a b\"}", "video_id: must be 1 to 64"},
      {std::string(2000, '['), "the body is not JSON"},
      {"[\"\xff\xfe\"]", "the body is not JSON"},
  };
  for (const Case& c : cases) {
    Batch batch = NewBatch();
    const Status status = Read(c.body, batch);
    EXPECT_THAT(status, StatusIs(StatusCode::kInvalidArgument)) << c.body;
    EXPECT_THAT(Message(status), HasSubstr(c.message)) << c.body;
    EXPECT_LT(Message(status).size(), 400u);
  }
}

TEST(JsonEvents, TooManyEventsAndTooManyRejections) {
  const auto array = [](size_t count) {
    std::string body = "[";
    for (size_t i = 0; i < count; ++i) body += i == 0 ? "{}" : ",{}";
    return body + "]";
  };
  Batch batch = NewBatch();
  EXPECT_THAT(Read(array(kMaxEvents + 1), batch), StatusIs(StatusCode::kOutOfRange));
  Batch many = NewBatch();
  std::string body = array(1000);
  ASSERT_EQ(ToText(ReadJsonEvents(body, 5000, many)), "OK");
  EXPECT_EQ(many.rejected(), 1000);
  EXPECT_EQ(many.rejections().size(), kMaxRejectionsTold);
}

TEST(JsonEvents, LinesStandByThemselves) {
  Batch batch = NewBatch();
  ASSERT_EQ(ToText(Read("{\"video_id\":\"v\",\"session_id\":\"s\",\"type\":\"play\"}\r\n\n{\"broken\n[]\n"
                        "{\"video_id\":\"v\",\"session_id\":\"s\",\"type\":\"ended\"}",
                        batch, true)),
            "OK");
  EXPECT_EQ(batch.accepted(), 2);
  ASSERT_EQ(batch.rejections().size(), 2u);
  EXPECT_EQ(batch.rejections()[0].index, 1);
  EXPECT_THAT(batch.rejections()[0].reason, StartsWith("the line is not JSON: parse error at line 1"));
  EXPECT_EQ(batch.rejections()[1].reason, "an event must be a JSON object");
  const auto events = EventsOf(batch);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].type, EventType::kEnded);
}

// Whatever arrives, it is answered, and what is accepted is a whole row.
TEST(JsonEvents, RandomDamageIsAnswered) {
  const std::string seed =
      R"({"video_id":"v","viewer_id":"bob","events":[{"session_id":"s","sequence":1,"type":"play","player_time":"2023-11-14T23:13:20.25Z"},)"
      R"({"session_id":"s","type":"stall","duration_seconds":1.5e-1,"bitrate":3000000,"rendition":"a\u00e9\\b","x":[null,true,{}]}]})";
  std::mt19937 random(77);
  const auto below = [&](size_t limit) { return std::uniform_int_distribution<size_t>(0, limit - 1)(random); };
  const std::string bytes = "{}[]\",:\\0123456789.-+eEu nulltruefalse\xff\x01\n";
  int64_t accepted = 0;
  int unreadable = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string text = seed;
    for (size_t step = 1 + below(5); step > 0 && !text.empty(); --step) {
      const size_t at = below(text.size());
      const size_t kind = below(4);
      if (kind == 0) text[at] = bytes[below(bytes.size())];
      if (kind == 1) text.insert(at, 1, bytes[below(bytes.size())]);
      if (kind == 2) text.erase(at, 1 + below(4));
      if (kind == 3 && below(10) == 0) text.resize(at + 1);
    }
    Batch batch = NewBatch();
    const Status status = Read(text, batch, round % 2 == 0);
    if (!status.ok()) {
      ++unreadable;
      ASSERT_FALSE(Message(status).empty());
      continue;
    }
    accepted += batch.accepted();
    ASSERT_EQ(static_cast<int64_t>(EventsOf(batch).size()), batch.accepted());
  }
  EXPECT_GT(accepted, 0);
  EXPECT_GT(unreadable, 1000);
}

}  // namespace
}  // namespace vora::analytics
