#include "services/cli/sse.h"

#include <vector>

#include <gtest/gtest.h>

namespace vora::cli {
namespace {

std::vector<SseEvent> ParseInPieces(std::string_view text, size_t piece) {
  std::vector<SseEvent> events;
  SseParser parser;
  for (size_t at = 0; at < text.size(); at += piece) {
    parser.Feed(text.substr(at, piece), [&](const SseEvent& event) {
      events.push_back(event);
      return true;
    });
  }
  return events;
}

TEST(SseParserTest, GivesTheSameEventsHoweverTheBytesArrive) {
  const std::string_view text = ": hello\r\nid: 7\r\nevent: video\r\ndata: {\"a\":1}\r\n\r\ndata:x\ndata: y\n\n: ping\n\n";
  for (size_t piece = 1; piece <= text.size(); ++piece) {
    const auto events = ParseInPieces(text, piece);
    ASSERT_EQ(events.size(), 2u) << "pieces of " << piece;
    EXPECT_EQ(events[0].id, "7");
    EXPECT_EQ(events[0].event, "video");
    EXPECT_EQ(events[0].data, "{\"a\":1}");
    EXPECT_EQ(events[1].data, "x\ny");
    EXPECT_EQ(events[1].event, "");
  }
}

TEST(SseParserTest, StopsWhenTheReaderHasEnough) {
  SseParser parser;
  int seen = 0;
  EXPECT_FALSE(parser.Feed("data: 1\n\ndata: 2\n\n", [&](const SseEvent&) { return ++seen > 1; }));
  EXPECT_EQ(seen, 1);
}

TEST(SseParserTest, AnEventWithoutDataIsNone) {
  EXPECT_TRUE(ParseInPieces("event: x\nid: 1\n\n", 3).empty());
  const auto events = ParseInPieces("event: x\nid: 1\n\ndata: y\n\n", 3);
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].event, "") << "the type of an event that was none";
  EXPECT_EQ(events[0].id, "1");
}

}  // namespace
}  // namespace vora::cli
