#include "services/cli/progress.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace vora::cli {
namespace {

TEST(ProgressTest, FormatsForPeople) {
  EXPECT_EQ(Bar(50, 4), "[##--]  50 %");
  EXPECT_EQ(Bar(-3, 2), "[--]   0 %");
  EXPECT_EQ(Bar(140, 2), "[##] 100 %");
  EXPECT_EQ(FormatBytes(312), "312 B");
  EXPECT_EQ(FormatBytes(1.5 * 1024 * 1024 * 1024), "1.5 GiB");
  EXPECT_EQ(FormatSeconds(7), "0:07");
  EXPECT_EQ(FormatSeconds(3723), "1:02:03");
}

TEST(ProgressTest, ShowsEachRenditionWithItsRetriesAndFailure) {
  const auto lines = RenderVideo(nlohmann::json::parse(R"({"state":"PARTIALLY_READY","progress_percent":40,"playable":true,"renditions":[
      {"name":"360p","state":"DONE","progress_percent":100,"retries":0,"failure":""},
      {"name":"720p","state":"RETRYING","progress_percent":67,"retries":1,"failure":""}]})"));
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_NE(lines[0].find("can be played already"), std::string::npos);
  EXPECT_NE(lines[1].find("360p     [####################] 100 %  DONE"), std::string::npos);
  EXPECT_NE(lines[2].find("RETRYING  (1 retry)"), std::string::npos);
}

}  // namespace
}  // namespace vora::cli
