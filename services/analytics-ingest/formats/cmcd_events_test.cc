#include "services/analytics-ingest/formats/cmcd_events.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "services/analytics-ingest/test_rows.h"

namespace vora::analytics {
namespace {

using ::testing::HasSubstr;

class CmcdEventsTest : public ::testing::Test {
 protected:
  Batch NewBatch() {
    Event base;
    base.server_ms = 1'700'000'000'000;
    return Batch(base, viewers_);
  }
  // The rows that one line of event mode, `keys` and what every line has, becomes.
  std::vector<Event> Tell(const std::string& keys) {
    Batch batch = NewBatch();
    const Status status = AddCmcdEvents("cid=\"v1\",sid=\"6e2fb550-c457-11e9\",v=2," + keys, 100, sessions_, batch);
    EXPECT_EQ(ToText(status), "OK");
    EXPECT_EQ(batch.rejected(), 0) << (batch.rejected() == 0 ? "" : batch.rejections()[0].reason);
    ignored_ += batch.ignored();
    return EventsOf(batch);
  }
  ViewerHasher viewers_{ViewerHashOptions{.secret = "secret"}};
  CmcdSessions sessions_;
  int64_t ignored_ = 0;
};

TEST_F(CmcdEventsTest, ARequestIsASegmentFetched) {
  Batch batch = NewBatch();
  AddCmcdRequest(cmcd::Parse(R"(bl=2100,br=3200,cid="v1",d=4004,mtp=48100,ot=v,sid="6e2fb550-c457-11e9-bb97-0800200c9a66",st=v)"), batch);
  const auto rows = EventsOf(batch);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].type, EventType::kSegmentFetched);
  EXPECT_EQ(rows[0].source, EventSource::kCmcd);
  EXPECT_EQ(rows[0].video_id, "v1");
  EXPECT_EQ(rows[0].session_id, "6e2fb550-c457-11e9-bb97-0800200c9a66");
  EXPECT_EQ(rows[0].bitrate, 3'200'000u);
  EXPECT_EQ(rows[0].buffer_ms, 2100u);
  EXPECT_EQ(rows[0].throughput_kbps, 48'100u);
  EXPECT_LT(rows[0].sequence, 0);
}

TEST_F(CmcdEventsTest, AStarvedBufferIsAStall) {
  const auto types = [&](const char* text) {
    Batch batch = NewBatch();
    AddCmcdRequest(cmcd::Parse(text), batch);
    std::vector<EventType> out;
    for (const Event& event : EventsOf(batch)) out.push_back(event.type);
    return out;
  };
  EXPECT_EQ(types(R"(bs,cid="v",ot=v,sid="s")"), (std::vector{EventType::kStall, EventType::kSegmentFetched}));
  EXPECT_EQ(types(R"(bs,cid="v",ot=a,sid="s")"), (std::vector{EventType::kSegmentFetched})) << "told by audio and video, counted once";
}

TEST_F(CmcdEventsTest, StatesBecomeEvents) {
  const std::pair<const char*, EventType> cases[] = {{"p", EventType::kPlay},  {"a", EventType::kPause}, {"k", EventType::kSeek},
                                                     {"e", EventType::kEnded}, {"q", EventType::kEnded}, {"f", EventType::kError}};
  for (const auto& [state, type] : cases) {
    const auto rows = Tell(std::string("e=ps,sn=1,pt=61500,sta=") + state);
    ASSERT_EQ(rows.size(), 1u) << state;
    EXPECT_EQ(rows[0].type, type) << state;
    EXPECT_EQ(rows[0].position_ms, 61'500u);
  }
  EXPECT_TRUE(Tell("e=ps,sta=s").empty());
  EXPECT_TRUE(Tell("e=m").empty());
  EXPECT_EQ(ignored_, 2);
}

TEST_F(CmcdEventsTest, EventsOfTheirOwn) {
  auto rows = Tell(R"(e=rr,ttlb=80,ttfb=12,rc=200,ts=1700000000123,br=(3200),url="https://cdn.example/v/1/720p/seg_3.m4s?t=1")");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].type, EventType::kSegmentFetched);
  EXPECT_EQ(rows[0].duration_ms, 80u);
  EXPECT_EQ(rows[0].rendition, "720p");
  EXPECT_EQ(rows[0].segment_index, 3);
  EXPECT_EQ(rows[0].player_ms, 1'700'000'000'123);
  rows = Tell("e=bc,br=(128;a 5000;v)");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].type, EventType::kBitrateSelected);
  EXPECT_EQ(rows[0].bitrate, 5'000'000u);
  rows = Tell("e=e,ec=(\"404\")");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].type, EventType::kError);
  EXPECT_EQ(rows[0].error_code, "404");
  rows = Tell("e=ps,sta=p,msd=912");
  EXPECT_EQ(rows.at(0).duration_ms, 912u) << "the startup time";
}

TEST_F(CmcdEventsTest, WatchTimeIsTheWayOfThePlayhead) {
  EXPECT_EQ(Tell("e=ps,sta=p,sn=0,ts=1000000,pt=0").size(), 1u);
  auto rows = Tell("e=t,sn=1,ts=1010000,pt=9500");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].type, EventType::kWatchTime);
  EXPECT_EQ(rows[0].duration_ms, 9500u);
  EXPECT_EQ(rows[0].position_ms, 9500u);
  EXPECT_TRUE(Tell("e=t,sn=1,ts=1010000,pt=9500").empty()) << "sent again";
  // A jump: by the clock.
  EXPECT_EQ(Tell("e=t,sn=2,ts=1015000,pt=300000").at(0).duration_ms, 5000u);
  // Paused: the interval up to it counts, the one after it does not.
  rows = Tell("e=ps,sta=a,sn=3,ts=1017000,pt=302000");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].type, EventType::kWatchTime);
  EXPECT_EQ(rows[0].duration_ms, 2000u);
  EXPECT_EQ(rows[1].type, EventType::kPause);
  EXPECT_TRUE(Tell("e=t,sn=4,ts=1027000,pt=302000").empty());
  EXPECT_EQ(Tell("e=ps,sta=p,sn=5,ts=1028000,pt=302000,pr=2").size(), 1u);
  EXPECT_EQ(Tell("e=t,sn=6,ts=1038000,pt=322000").at(0).duration_ms, 20'000u) << "at double speed";
  // An hour of silence is a sleeping machine.
  EXPECT_TRUE(Tell("e=t,sn=7,ts=4638000,pt=322500").empty());
}

TEST_F(CmcdEventsTest, AStallTakesAsLongAsItWasTold) {
  Tell("e=ps,sta=p,sn=0,ts=1000000,pt=0");
  auto rows = Tell("e=ps,sta=r,sn=1,ts=1004000,pt=4000");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].type, EventType::kWatchTime);
  rows = Tell("e=ps,sta=p,sn=2,ts=1005500,pt=4000");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].type, EventType::kStall);
  EXPECT_EQ(rows[0].duration_ms, 1500u);
  EXPECT_EQ(rows[1].type, EventType::kPlay);
  Tell("e=ps,sta=r,sn=3,ts=1006000");
  rows = Tell("e=ps,sta=p,sn=4,ts=1007000,bsd=(990)");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].duration_ms, 990u) << "the player knows better";
}

TEST_F(CmcdEventsTest, SequencesAreBelowZeroAndTheSameAgain) {
  const auto first = Tell("e=bc,br=1,sn=17");
  const auto again = Tell("e=bc,br=1,sn=17");
  const auto next = Tell("e=bc,br=1,sn=18");
  EXPECT_EQ(first.at(0).sequence, again.at(0).sequence);
  EXPECT_NE(first.at(0).sequence, next.at(0).sequence);
  EXPECT_LT(first.at(0).sequence, -1);
  EXPECT_NE(Tell("e=bc,br=1").at(0).sequence, Tell("e=bc,br=1").at(0).sequence);
}

TEST_F(CmcdEventsTest, RefusalsNameTheKey) {
  struct Case {
    const char *text, *field, *reason;
  };
  const Case cases[] = {
      {R"(sid="s",e=t)", "cid", "is missing; it must be the video's id"},
      {R"(cid="v",e=t)", "sid", "is missing"},
      {R"(cid="v",sid="s")", "e", "is missing"},
      {R"(cid="../x",sid="s",e=t)", "cid", "1 to 64 characters"},
      {R"(cid="v",sid="a b",e=t)", "sid", "1 to 64 characters"},
      {R"(cid="v",sid="s",e=t,br=x)", "CMCD", "br: must be a number"},
  };
  for (const Case& c : cases) {
    Batch batch = NewBatch();
    ASSERT_EQ(ToText(AddCmcdEvents(c.text, 100, sessions_, batch)), "OK");
    ASSERT_EQ(batch.rejections().size(), 1u) << c.text;
    EXPECT_EQ(batch.rejections()[0].field, c.field) << c.text;
    EXPECT_THAT(batch.rejections()[0].reason, HasSubstr(c.reason)) << c.text;
  }
  Batch batch = NewBatch();
  EXPECT_THAT(AddCmcdEvents("a\nb\nc\n", 2, sessions_, batch), StatusIs(StatusCode::kOutOfRange));
}

TEST(CmcdSessions, TheTableIsBounded) {
  CmcdSessions sessions(100);
  for (int i = 0; i < 1000; ++i) sessions.Report("session " + std::to_string(i), {.time_ms = 1000, .state = "p"});
  EXPECT_EQ(sessions.size(), 100u);
}

TEST(CmcdEvents, NamesOfObjects) {
  const auto name = [](std::string_view url) {
    const ObjectName found = NameOfObject(url);
    return std::string(found.rendition) + " " + std::to_string(found.segment_index);
  };
  EXPECT_EQ(name("https://x/v/1/720p/seg_12.m4s"), "720p 12");
  EXPECT_EQ(name("720p/seg_0.ts#x"), "720p 0");
  EXPECT_EQ(name("https://x/v/1/720p/init.mp4"), " -1");
  EXPECT_EQ(name("https://x/v/1/720p/seg_.m4s"), " -1");
  EXPECT_EQ(name("https://x/v/1/720p/seg_99999999999.m4s"), " -1");
  EXPECT_EQ(name("https://x/a%20b/seg_1.m4s"), " 1");
  EXPECT_EQ(name(""), " -1");
}

}  // namespace
}  // namespace vora::analytics
