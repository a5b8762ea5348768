#include "services/streaming-gateway/manifest/presentation.h"

#include <gtest/gtest.h>

#include "services/streaming-gateway/fixture_test.h"

namespace vora::gateway {
namespace {

TEST(Presentation, TracksBecomeManifestTracksWithoutTheFailedOnes) {
  auto presentation = MakePresentation("PARTIALLY_READY", 2, false);
  presentation.mutable_tracks(0)->set_failed(true);
  presentation.mutable_tracks(1)->set_complete(true);
  const manifest::Presentation out = ToManifest(presentation);
  ASSERT_EQ(out.tracks.size(), 2u);
  EXPECT_EQ(out.tracks[0].name, "720p");
  EXPECT_TRUE(out.tracks[0].is_video);
  EXPECT_EQ(out.tracks[0].segments[1].duration, 120);
  EXPECT_FALSE(out.tracks[1].is_video);
  EXPECT_EQ(out.target_segment_seconds, 4);
  EXPECT_FALSE(out.complete);
  presentation.mutable_tracks(2)->set_complete(true);
  EXPECT_TRUE(ToManifest(presentation).complete) << "a failed track does not hold up the others";
  presentation.clear_tracks();
  EXPECT_FALSE(ToManifest(presentation).complete);
}

TEST(Presentation, RevisionIsTheFolderBelowTheVideo) {
  auto presentation = MakePresentation("READY", 1, true);
  EXPECT_EQ(RevisionOf(presentation), "");
  presentation.set_object_prefix(std::string("processed/") + kVideo + "/r12");
  EXPECT_EQ(RevisionOf(presentation), "r12/");
  EXPECT_EQ(ToManifest(presentation).path_prefix, "r12/");
}

TEST(Presentation, AvailabilityStartsBeforeTheIdByTheDuration) {
  // 0x019a00000000 ms since 1970.
  EXPECT_EQ(AvailabilityStartMs(kVideo, 60), 0x019a00000000 - 60'000);
  EXPECT_EQ(AvailabilityStartMs("00000000000070008000000000000001", 60), 0);
  EXPECT_EQ(AvailabilityStartMs("", 60), 0);
}

}  // namespace
}  // namespace vora::gateway
