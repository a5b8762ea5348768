#include "services/transcode-worker/metrics.h"

#include "libs/obs/testing/declared.h"

namespace vora::transcode {
namespace {

TEST(TranscodeMetricsTest, AreAsDeclared) { obs::testing::ExpectDeclared(kMetrics); }

std::string Label(const std::string& codec, int height) {
  media::v1::Rung rung;
  rung.set_codec(codec);
  rung.set_height(height);
  return RenditionLabel(rung);
}

TEST(TranscodeMetricsTest, LadderNamesAreNoLabels) {
  EXPECT_EQ(Label("h264", 720), "h264_720p");
  EXPECT_EQ(Label("h264", 721), "h264_1080p");
  EXPECT_EQ(Label("h264", 1), "h264_144p");
  EXPECT_EQ(Label("h264", 9000), "h264_more");
  EXPECT_EQ(Label("my own", 360), "other_360p");
}

}  // namespace
}  // namespace vora::transcode
