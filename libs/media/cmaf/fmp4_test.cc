#include "libs/media/cmaf/fmp4.h"

#include <gtest/gtest.h>

namespace vora::media {
namespace {

using std::string_view_literals::operator""sv;

TEST(AnnexB, SplitsAtBothStartCodes) {
  const std::vector<std::string_view> nals = SplitAnnexB("\0\0\0\1\x67\x64\0\0\1\x68\xee\0\0\0\1\x65\x88\0"sv);
  ASSERT_EQ(nals.size(), 3U);
  EXPECT_EQ(nals[0], "\x67\x64"sv);
  EXPECT_EQ(nals[1], "\x68\xee"sv);
  EXPECT_EQ(nals[2], "\x65\x88"sv);
}

TEST(AnnexB, LeavesOutWhatTheInitSegmentHolds) {
  std::string out;
  EXPECT_EQ(AppendLengthPrefixed("\0\0\0\1\x67\x64\0\0\1\x68\xee\0\0\1\x06\x05\x10\0\0\1\x06\x01\x10\0\0\1\x65\x88"sv, &out), 13U);
  EXPECT_EQ(out, "\0\0\0\3\x06\x01\x10\0\0\0\2\x65\x88"sv);
}

TEST(Init, NamesItsCodecs) {
  VideoTrackHeader video;
  video.timescale = 30000;
  video.width = 640;
  video.height = 360;
  video.sps = std::string("\x67\x64\x00\x1f\xac"sv);
  video.pps = std::string("\x68\xee"sv);
  EXPECT_EQ(AvcCodecs(video.sps), "avc1.64001f");
  EXPECT_EQ(CodecsOfInit(VideoInitSegment(video)), "avc1.64001f");
  AudioTrackHeader audio;
  audio.timescale = 48000;
  audio.specific_config = std::string("\x11\x90"sv);
  EXPECT_EQ(CodecsOfInit(AudioInitSegment(audio)), "mp4a.40.2");
  EXPECT_EQ(CodecsOfInit("nothing of the kind"), "");
}

uint32_t U32(const std::string& bytes, size_t at) {
  uint32_t v = 0;
  for (size_t i = 0; i < 4; ++i) v = v << 8 | static_cast<uint8_t>(bytes[at + i]);
  return v;
}

TEST(Segment, BoxesFillTheFileAndPointAtTheData) {
  MediaSegment segment;
  segment.index = 4;
  segment.decode_time = (uint64_t{1} << 33) + 5;
  segment.sample_duration = 1001;
  segment.samples = {{3, 0, true, false}, {2, 2002, false, false}, {1, 1001, false, true}};
  segment.data = "abcdef";
  const std::string bytes = MediaSegmentBytes(segment);
  std::vector<std::string> types;
  size_t moof = 0;
  for (size_t at = 0; at < bytes.size(); at += U32(bytes, at)) {
    types.push_back(bytes.substr(at + 4, 4));
    if (types.back() == "moof") moof = at;
    ASSERT_GE(U32(bytes, at), 8U);
  }
  EXPECT_EQ(types, (std::vector<std::string>{"styp", "moof", "mdat"}));
  const size_t mfhd = bytes.find("mfhd");
  EXPECT_EQ(U32(bytes, mfhd + 8), 5U);
  const size_t tfdt = bytes.find("tfdt");
  EXPECT_EQ(U32(bytes, tfdt + 8), 2U);
  EXPECT_EQ(U32(bytes, tfdt + 12), 5U);
  const size_t trun = bytes.find("trun");
  EXPECT_EQ(U32(bytes, trun + 8), 3U);
  EXPECT_EQ(bytes.substr(moof + U32(bytes, trun + 12), 6), "abcdef");
  EXPECT_EQ(U32(bytes, trun + 16 + 12 + 12 + 8), 1001U);
}

}  // namespace
}  // namespace vora::media
