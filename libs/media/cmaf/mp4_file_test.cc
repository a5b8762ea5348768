#include "libs/media/cmaf/mp4_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/media/testing/test_media.h"
#include "libs/testing/status_matchers.h"

namespace vora::media {
namespace {

using ::testing::HasSubstr;

struct Written {
  std::string bytes;
  int64_t head = 0;
};

// As the worker does it: the segments of one time side by side.
Written WriteMp4(const std::vector<EncodedTrack>& tracks, int64_t samples) {
  std::vector<Mp4Track> files;
  int64_t head_bytes = kMp4HeadBytes;
  size_t longest = 0;
  for (const EncodedTrack& track : tracks) {
    auto file = Mp4Track::OfInit(track.init);
    EXPECT_THAT(file, IsOk());
    head_bytes += file->HeadBytes(samples, static_cast<int64_t>(track.segments.size()));
    files.push_back(*std::move(file));
    longest = std::max(longest, track.segments.size());
  }
  std::string data;
  for (size_t i = 0; i < longest; ++i) {
    for (size_t t = 0; t < tracks.size(); ++t) {
      if (i >= tracks[t].segments.size()) continue;
      const std::string& segment = tracks[t].segments[i];
      const auto at = files[t].Add(segment, static_cast<int64_t>(segment.size()), static_cast<int64_t>(data.size()));
      EXPECT_THAT(at, IsOk());
      data += segment.substr(static_cast<size_t>(*at));
    }
  }
  const auto head = Mp4Head(files, head_bytes, static_cast<int64_t>(data.size()));
  EXPECT_THAT(head, IsOk());
  EXPECT_EQ(static_cast<int64_t>(head->size()), head_bytes);
  return {*head + data, head_bytes};
}

class Mp4FileTest : public ::testing::Test {
 protected:
  void Encode(const std::string& rate, double seconds) {
    source_ = MakeUsualSource(folder_, "source.mp4", seconds, 320, 180, rate);
    media_ = ProbeOrDie(source_);
    // With B-frames, which are what presentation times and edits are about.
    video_plan_ = VideoPlan(media_, 320, 180, 2, "veryfast");
    video_ = EncodeVideoSpan(source_, media_, video_plan_, 0, video_plan_.segments_total());
    audio_ = EncodeWholeAudio(source_, media_, AudioPlan(media_, video_plan_));
    WriteFile(folder_ / "video.mp4", video_.Whole());
    WriteFile(folder_ / "audio.mp4", audio_.Whole());
  }
  static void ExpectSame(const std::vector<ProbedPacket>& got, const std::vector<ProbedPacket>& wanted) {
    ASSERT_EQ(got.size(), wanted.size());
    for (size_t i = 0; i < got.size(); ++i) {
      EXPECT_NEAR(got[i].pts, wanted[i].pts, 1e-4) << i;
      EXPECT_NEAR(got[i].dts, wanted[i].dts, 1e-4) << i;
      // ffprobe tells none of a single frame of sound at the end of a fragment.
      EXPECT_NEAR(got[i].duration, wanted[i].duration > 0 ? wanted[i].duration : got[i].duration, 1e-4) << i;
      EXPECT_EQ(got[i].key, wanted[i].key) << i;
    }
  }

  TempFolder folder_;
  std::string source_;
  media::v1::MediaInfo media_;
  media::v1::TrackPlan video_plan_;
  EncodedTrack video_, audio_;
};

TEST_F(Mp4FileTest, HoldsEverySampleWhenItIsShown) {
  for (const std::string rate : {"30", "30000/1001"}) {
    Encode(rate, 5);
    const Written file = WriteMp4({video_, audio_}, 300);
    WriteFile(folder_ / "file.mp4", file.bytes);
    ExpectSame(ProbePackets(folder_ / "file.mp4", "v"), ProbePackets(folder_ / "video.mp4", "v"));
    ExpectSame(ProbePackets(folder_ / "file.mp4", "a"), ProbePackets(folder_ / "audio.mp4", "a"));
    const auto decoded = [&](const std::string& name, const std::string& stream) {
      return RunProgram("ffmpeg -v error -i '" + folder_ / name + "' -map 0:" + stream + " -f md5 - 2>&1");
    };
    EXPECT_EQ(decoded("file.mp4", "v"), decoded("video.mp4", "v"));
    EXPECT_EQ(decoded("file.mp4", "a"), decoded("audio.mp4", "a"));
    EXPECT_THAT(decoded("file.mp4", "v"), HasSubstr("MD5="));
    EXPECT_LT(file.bytes.find("moov"), file.bytes.find("mdat")) << "played while it is fetched";
  }
}

TEST_F(Mp4FileTest, SoundAloneIsAFileToo) {
  Encode("30", 3);
  WriteFile(folder_ / "file.mp4", WriteMp4({audio_}, 300).bytes);
  ExpectSame(ProbePackets(folder_ / "file.mp4", "a"), ProbePackets(folder_ / "audio.mp4", "a"));
}

TEST_F(Mp4FileTest, WhatDoesNotFitIsRefused) {
  Encode("30", 5);
  EXPECT_THAT(Mp4Track::OfInit(""), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(Mp4Track::OfInit(video_.segments[0]), StatusIs(StatusCode::kInvalidArgument));
  auto track = Mp4Track::OfInit(video_.init);
  ASSERT_THAT(track, IsOk());
  const auto add = [&](const std::string& segment) { return track->Add(segment, static_cast<int64_t>(segment.size()), 0).status(); };
  EXPECT_THAT(add(video_.segments[1]), StatusIs(StatusCode::kInvalidArgument, HasSubstr("the segment begins at")));
  EXPECT_THAT(add(video_.init), StatusIs(StatusCode::kInvalidArgument));
  EXPECT_THAT(add(video_.segments[0].substr(0, 60)), StatusIs(StatusCode::kInvalidArgument));
  // Whatever is cut off or changed: never read beyond it.
  const std::string& whole = video_.segments[0];
  for (size_t size = 0; size < std::min<size_t>(whole.size(), 1200); ++size) {
    auto cut = Mp4Track::OfInit(video_.init);
    (void)cut->Add(whole.substr(0, size), static_cast<int64_t>(whole.size()), 0);
    (void)Mp4Track::OfInit(video_.init.substr(0, size));
  }
  auto small = Mp4Track::OfInit(video_.init);
  ASSERT_THAT(small->Add(whole, static_cast<int64_t>(whole.size()), 0), IsOk());
  EXPECT_THAT(Mp4Head({*small}, 700, 1000), StatusIs(StatusCode::kInternal));
}

}  // namespace
}  // namespace vora::media
