#include "libs/log/log.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace vora::log {
namespace {

std::vector<nlohmann::json> Capture(const std::function<void()>& run) {
  testing::internal::CaptureStderr();
  run();
  const std::string text = testing::internal::GetCapturedStderr();
  std::vector<nlohmann::json> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = text.find('\n', begin);
    lines.push_back(nlohmann::json::parse(text.substr(begin, end - begin)));
    begin = end + 1;
  }
  return lines;
}

TEST(LogTest, WritesOneJsonObjectPerLine) {
  Init("vora-test", "debug");
  const auto lines = Capture([] {
    Info("hello", {{"count", 3}, {"ratio", 0.5}, {"ok", true}, {"name", "x"}, {"size", size_t{7}}});
    Error("broken");
  });
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0]["service"], "vora-test");
  EXPECT_EQ(lines[0]["level"], "info");
  EXPECT_EQ(lines[0]["msg"], "hello");
  EXPECT_EQ(lines[0]["count"], 3);
  EXPECT_EQ(lines[0]["ratio"], 0.5);
  EXPECT_EQ(lines[0]["ok"], true);
  EXPECT_EQ(lines[0]["name"], "x");
  EXPECT_EQ(lines[0]["size"], 7);
  EXPECT_EQ(lines[0]["ts"].get<std::string>().size(), 24U);
  EXPECT_FALSE(lines[0].contains("trace_id"));
  EXPECT_EQ(lines[1]["level"], "error");
}

TEST(LogTest, HostileTextStaysOneValidLine) {
  Init("vora-test", "info");
  const std::string hostile = "a\"b\\c\nd\x01\xff\xfe{\"level\":\"error\"}";
  const auto lines = Capture([&] { Info(hostile, {{hostile, hostile}, {"nan", std::numeric_limits<double>::quiet_NaN()}}); });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["level"], "info");
  EXPECT_TRUE(lines[0]["msg"].get<std::string>().starts_with("a\"b\\c\nd\x01"));
  EXPECT_TRUE(lines[0]["nan"].is_null());
}

TEST(LogTest, LevelsBelowTheChosenOneAreSilent) {
  Init("vora-test", "warn");
  const auto lines = Capture([] {
    Debug("no");
    Info("no");
    Warn("yes");
  });
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0]["msg"], "yes");
}

TEST(LogTest, CarriesTheTraceOfTheThread) {
  Init("vora-test", "info");
  SetThreadTrace({"0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"});
  const auto lines = Capture([] { Info("x"); });
  SetThreadTrace({});
  EXPECT_EQ(lines.at(0)["trace_id"], "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(lines.at(0)["span_id"], "b7ad6b7169203331");
}

}  // namespace
}  // namespace vora::log
