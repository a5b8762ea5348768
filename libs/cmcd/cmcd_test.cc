#include "libs/cmcd/cmcd.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"

namespace vora::cmcd {
namespace {

using ::testing::HasSubstr;

Cmcd Good(std::string_view text) {
  const auto parsed = Parse(text);
  EXPECT_EQ(ToText(parsed.status()), "OK") << text;
  return parsed.ok() ? *parsed : Cmcd{};
}

TEST(Cmcd, ReadsARequestOfVersion1) {
  const Cmcd c =
      Good(R"(bl=21300,br=3200,bs,cid="faec5fc2-ac30-11ea",com.example-myKey="any \"x\", y",d=4004,dl=18500,mtp=48100,)"
           R"(nor="..%2F300kbps%2Ftrack.m4v",ot=v,pr=1.08,rtp=12000,sf=h,sid="6e2fb550-c457-11e9-bb97-0800200c9a66",st=v,su,tb=6000)");
  EXPECT_EQ(c.version, 1);
  EXPECT_EQ(c.buffer_ms, 21300);
  EXPECT_EQ(c.bitrate_kbps, 3200);
  EXPECT_TRUE(c.buffer_starved);
  EXPECT_TRUE(c.startup);
  EXPECT_EQ(c.content_id, "faec5fc2-ac30-11ea");
  EXPECT_EQ(c.object_duration_ms, 4004);
  EXPECT_EQ(c.deadline_ms, 18500);
  EXPECT_EQ(c.throughput_kbps, 48100);
  EXPECT_EQ(c.next_object, "..%2F300kbps%2Ftrack.m4v");
  EXPECT_EQ(c.object_type, "v");
  EXPECT_DOUBLE_EQ(c.playback_rate.value_or(0), 1.08);
  EXPECT_EQ(c.requested_throughput_kbps, 12000);
  EXPECT_EQ(c.stream_format, "h");
  EXPECT_EQ(c.stream_type, "v");
  EXPECT_EQ(c.session_id, "6e2fb550-c457-11e9-bb97-0800200c9a66");
  EXPECT_EQ(c.top_bitrate_kbps, 6000);
}

TEST(Cmcd, ReadsAnEventOfVersion2) {
  const Cmcd c = Good(R"(bl=(2100),br=(3200 5000;v),bs=?0,e=rr,ec=("404" "x"),msd=812,nor=("a.m4s";r="0-9" "b.m4s"),pt=61500,rc=200,)"
                      R"(sid="s",sn=7,sta=p,ts=1700000000123,ttfb=12,ttlb=80,url="https://cdn.example/v/1/720p/seg_3.m4s",v=2,bsd=(140))");
  EXPECT_EQ(c.version, 2);
  EXPECT_EQ(c.bitrate_kbps, 5000);
  EXPECT_EQ(c.buffer_ms, 2100);
  EXPECT_FALSE(c.buffer_starved);
  EXPECT_EQ(c.event, "rr");
  EXPECT_EQ(c.error_code, "404");
  EXPECT_EQ(c.startup_ms, 812);
  EXPECT_EQ(c.next_object, "a.m4s");
  EXPECT_EQ(c.position_ms, 61500);
  EXPECT_EQ(c.response_status, 200);
  EXPECT_EQ(c.sequence, 7);
  EXPECT_EQ(c.player_state, "p");
  EXPECT_EQ(c.timestamp_ms, 1700000000123);
  EXPECT_EQ(c.time_to_first_byte_ms, 12);
  EXPECT_EQ(c.time_to_last_byte_ms, 80);
  EXPECT_EQ(c.url, "https://cdn.example/v/1/720p/seg_3.m4s");
  EXPECT_EQ(c.stall_ms, 140);
}

TEST(Cmcd, FirstOfAnInnerListUnlessOneIsTheVideo) {
  EXPECT_EQ(Good("br=(128;a 3200)").bitrate_kbps, 128);
  EXPECT_EQ(Good("br=(128;a 3200;v 1;v)").bitrate_kbps, 3200);
  EXPECT_EQ(Good("br=(128 3200;ot=v)").bitrate_kbps, 3200);
  EXPECT_EQ(Good("br=( 1  2 )").bitrate_kbps, 1);
  EXPECT_EQ(Good("br=()").bitrate_kbps, std::nullopt);
}

TEST(Cmcd, ForgivesWhatOldEncodersWrite) {
  EXPECT_EQ(Good("").session_id, "");
  EXPECT_EQ(Good("  br=1 , bl=2\t").buffer_ms, 2);
  EXPECT_TRUE(Good("bs=true").buffer_starved);
  EXPECT_FALSE(Good("bs=false").buffer_starved);
  EXPECT_EQ(Good("ot=\"v\"").object_type, "v");
  EXPECT_EQ(Good("br=3200.6").bitrate_kbps, 3201);
  EXPECT_EQ(Good("br=1,br=2").bitrate_kbps, 2);  // the last one counts
  EXPECT_EQ(Good("ec=(404)").error_code, "404");
  EXPECT_EQ(Good("cid=\"Zürich\"").content_id, "Zürich");
  EXPECT_EQ(Good(R"(cid="a\"b\\c")").content_id, R"(a"b\c)");
  // Keys that are not known may hold whatever the syntax has.
  EXPECT_EQ(Good(R"(x-a=:AQ==:,x-b=@17,x-c=%"z%c3%bc",x-d=?1;p=2,x-e=(),x-f,br=7)").bitrate_kbps, 7);
}

TEST(Cmcd, RefusesWithTheKeyAndThePlace) {
  struct Case {
    std::string text, message;
  };
  const Case cases[] = {
      {"br=abc", "br: must be a number"},
      {"br", "br: must be a number"},
      {"br=-1", "br: must not be below 0"},
      {"br=", "br: a value is missing at character 4"},
      {"br=1.", "br: a digit is missing"},
      {"br=1234567890123456", "br: a number may have at most 15 digits"},
      {"br=1,", "br: nothing follows the last comma"},
      {"br=1 bl=2", "br: a comma is missing at character 6"},
      {"br=1,,bl=2", "CMCD: a key must begin with a letter at character 6"},
      {"br=(1", "br: the items of a list are separated"},
      {"br=(1,2)", "br: the items of a list are separated"},
      {"sid=\"abc", "sid: the closing quote is missing"},
      {"sid=\"a\\n\"", "sid: only \\\" and \\\\ are escapes"},
      {"sid=\"a\nb\"", "sid: a string may not hold control characters"},
      {"sid", "sid: must be a string or a token"},
      {"sid=5", "sid: must be a string or a token"},
      {"sid=\"" + std::string(65, 'x') + "\"", "sid: may have at most 64 characters"},
      {"cid=\"" + std::string(65, 'x') + "\"", "cid: may have at most 64 characters"},
      {"v=2,cid=\"" + std::string(129, 'x') + "\"", "cid: may have at most 128 characters"},
      {"bs=1", "bs: must be a boolean"},
      {"bs=?2", "bs: a boolean is ?0 or ?1"},
      {"v=0", "v: must be the version"},
      {"v=\"2\"", "v: must be the version"},
      {"pr=fast", "pr: must be a number"},
      {"=1", "CMCD: a key must begin with a letter at character 1"},
      {"x-a=:AQ", "x-a: the closing delimiter is missing"},
      {"x-a=%z", "x-a: a display string must begin"},
      {"br=1;=2", "br: a key must begin with a letter"},
      {std::string(4097, 'a'), "CMCD: may have at most 4096 characters"},
  };
  for (const Case& c : cases) {
    const auto parsed = Parse(c.text);
    EXPECT_THAT(parsed, StatusIs(StatusCode::kInvalidArgument)) << c.text;
    EXPECT_THAT(Message(parsed.status()), HasSubstr(c.message)) << c.text;
  }
  EXPECT_EQ(Good("v=2,cid=\"" + std::string(128, 'x') + "\"").content_id.size(), 128u);
}

TEST(Cmcd, HeadersAreOneList) {
  const auto parsed = ParseHeaders("br=3200,ot=v", "bl=2100", " ", "");
  ASSERT_EQ(ToText(parsed.status()), "OK");
  EXPECT_EQ(parsed->bitrate_kbps, 3200);
  EXPECT_EQ(parsed->buffer_ms, 2100);
  EXPECT_THAT(ParseHeaders("br=3200", "bl=x", "", ""), StatusIs(StatusCode::kInvalidArgument));
}

TEST(Cmcd, EventLinesStandByThemselves) {
  const auto events = ParseEvents("e=ps,sta=p,v=2\r\n\nbr=x\ne=t,v=2");
  ASSERT_EQ(events.size(), 3u);
  EXPECT_EQ(events[0]->player_state, "p");
  EXPECT_EQ(Message(events[1].status()), "br: must be a number");
  EXPECT_EQ(events[2]->event, "t");
  EXPECT_TRUE(ParseEvents("").empty());
}

}  // namespace
}  // namespace vora::cmcd
