#include "libs/layout/segment_list.h"

#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"

namespace vora::layout {
namespace {

media::v1::TrackSegments Film(int first, int count) {
  media::v1::TrackSegments segments;
  segments.set_track("audio_0");
  segments.set_codecs("mp4a.40.2");
  for (int i = 0; i < count; ++i) {
    auto* segment = segments.add_segments();
    segment->set_index(first + i);
    segment->set_bytes(32'000 + i * 37 % 900);
    segment->set_duration(i + 1 < count ? (i % 4 == 3 ? 93 : 94) * 1024 : 17 * 1024);
  }
  return segments;
}

TEST(SegmentListTest, WhatIsPackedComesBack) {
  for (const auto& [first, count] : {std::pair{0, 1}, std::pair{7, 3}, std::pair{0, 43'200}}) {
    const auto segments = Film(first, count);
    const auto packed = Pack(segments);
    EXPECT_EQ(packed.track(), "audio_0");
    EXPECT_EQ(packed.codecs(), "mp4a.40.2");
    EXPECT_EQ(packed.segments_size(), 0);
    const auto list = Unpack(packed);
    ASSERT_THAT(list, IsOk());
    ASSERT_EQ(list->size(), static_cast<size_t>(count));
    for (int i = 0; i < count; ++i)
      EXPECT_EQ((*list)[static_cast<size_t>(i)].SerializeAsString(), segments.segments(i).SerializeAsString());
  }
  EXPECT_LT(Pack(Film(0, 43'200)).ByteSizeLong(), 43'200u * 5) << "a day of segments of two seconds";
}

TEST(SegmentListTest, TheUnpackedFormIsReadToo) {
  const auto list = Unpack(Film(3, 2));
  ASSERT_THAT(list, IsOk());
  EXPECT_EQ((*list)[1].index(), 4);
  EXPECT_TRUE(Unpack(media::v1::TrackSegments())->empty());
  EXPECT_EQ(Pack(media::v1::TrackSegments()).packed_bytes(), "");
}

TEST(SegmentListTest, NonsenseIsRefused) {
  auto torn = Pack(Film(0, 5));
  torn.mutable_packed_bytes()->back() = static_cast<char>(0x80);
  EXPECT_THAT(Unpack(torn), StatusIs(StatusCode::kInvalidArgument));
  auto short_one = Pack(Film(0, 5));
  short_one.clear_packed_durations();
  EXPECT_THAT(Unpack(short_one), StatusIs(StatusCode::kInvalidArgument));
  auto negative = Pack(Film(0, 5));
  negative.set_packed_bytes("\x01");
  EXPECT_THAT(Unpack(negative), StatusIs(StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace vora::layout
