#include "services/metadata/rows/video_state.h"

#include <set>
#include <string>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"

namespace vora::metadata {
namespace {

using ::testing::HasSubstr;

template <typename State>
std::set<std::pair<std::string, std::string>> Allowed(int first, int last) {
  std::set<std::pair<std::string, std::string>> pairs;
  for (int from = first; from <= last; ++from) {
    for (int to = first; to <= last; ++to) {
      const auto a = static_cast<State>(from), b = static_cast<State>(to);
      if (IsAllowed(a, b)) pairs.emplace(StateName(a), StateName(b));
    }
  }
  return pairs;
}

TEST(VideoStateTest, ExactlyTheseTransitionsAreLegal) {
  const std::set<std::pair<std::string, std::string>> expected = {
      {"CREATED", "PROCESSING"},         {"CREATED", "FAILED"},        {"CREATED", "CANCELLED"},
      {"PROCESSING", "PARTIALLY_READY"}, {"PROCESSING", "READY"},      {"PROCESSING", "FAILED"},
      {"PROCESSING", "CANCELLED"},       {"PARTIALLY_READY", "READY"}, {"PARTIALLY_READY", "FAILED"},
      {"PARTIALLY_READY", "CANCELLED"},  {"READY", "PROCESSING"},      {"FAILED", "PROCESSING"},
      {"CANCELLED", "PROCESSING"}};
  EXPECT_EQ(Allowed<v1::VideoState>(v1::VIDEO_STATE_UNSPECIFIED, v1::VIDEO_STATE_CANCELLED), expected);
}

TEST(RenditionStateTest, ExactlyTheseTransitionsAreLegal) {
  const std::set<std::pair<std::string, std::string>> expected = {
      {"PENDING", "PROCESSING"},  {"PENDING", "RETRYING"}, {"PENDING", "FAILED"},    {"PROCESSING", "PENDING"},
      {"PROCESSING", "RETRYING"}, {"PROCESSING", "DONE"},  {"PROCESSING", "FAILED"}, {"RETRYING", "PENDING"},
      {"RETRYING", "PROCESSING"}, {"RETRYING", "DONE"},    {"RETRYING", "FAILED"},   {"FAILED", "PENDING"}};
  EXPECT_EQ(Allowed<v1::RenditionState>(v1::RENDITION_STATE_UNSPECIFIED, v1::RENDITION_STATE_FAILED), expected);
}

TEST(VideoStateTest, CheckTellsChangedSameAndIllegalApart) {
  EXPECT_TRUE(*CheckTransition(v1::VIDEO_STATE_PROCESSING, v1::VIDEO_STATE_READY));
  EXPECT_FALSE(*CheckTransition(v1::VIDEO_STATE_READY, v1::VIDEO_STATE_READY));
  const Status illegal = CheckTransition(v1::VIDEO_STATE_READY, v1::VIDEO_STATE_CANCELLED).status();
  EXPECT_THAT(illegal, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Message(illegal), HasSubstr("from READY to CANCELLED"));
  const Status rendition = CheckTransition(v1::RENDITION_STATE_DONE, v1::RENDITION_STATE_FAILED).status();
  EXPECT_THAT(rendition, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Message(rendition), HasSubstr("from DONE to FAILED"));
}

TEST(VideoStateTest, NamesParseBack) {
  for (int state = v1::VIDEO_STATE_CREATED; state <= v1::VIDEO_STATE_CANCELLED; ++state) {
    EXPECT_EQ(ParseVideoState(StateName(static_cast<v1::VideoState>(state))), static_cast<v1::VideoState>(state));
  }
  EXPECT_EQ(StateName(v1::VIDEO_STATE_PARTIALLY_READY), "PARTIALLY_READY");
  EXPECT_FALSE(ParseVideoState("UNSPECIFIED"));
  EXPECT_FALSE(ParseVideoState("ready"));
  EXPECT_FALSE(ParseRenditionState(""));
  EXPECT_EQ(ParseRenditionState("RETRYING"), v1::RENDITION_STATE_RETRYING);
}

TEST(VideoStateTest, FinalStates) {
  EXPECT_TRUE(IsFinal(v1::VIDEO_STATE_READY) && IsFinal(v1::VIDEO_STATE_FAILED) && IsFinal(v1::VIDEO_STATE_CANCELLED));
  EXPECT_FALSE(IsFinal(v1::VIDEO_STATE_CREATED) || IsFinal(v1::VIDEO_STATE_PROCESSING) || IsFinal(v1::VIDEO_STATE_PARTIALLY_READY));
  EXPECT_TRUE(IsFinal(v1::RENDITION_STATE_DONE) && IsFinal(v1::RENDITION_STATE_FAILED));
  EXPECT_FALSE(IsFinal(v1::RENDITION_STATE_RETRYING));
}

}  // namespace
}  // namespace vora::metadata
