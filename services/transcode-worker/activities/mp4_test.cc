#include "libs/storage/base/part_bytes.h"
#include "services/transcode-worker/activities/encode_fixture.h"
#include "services/transcode-worker/activities/head_last_upload.h"

namespace vora::transcode {
namespace {

class Mp4Test : public EncodeTest {
 protected:
  workflow::v1::MakeMp4Input Encoded() {
    UseSource(media::MakeUsualSource(folder_, "a.mp4", 6));
    const EncodeChunkInput chunk = Chunk(180, 0, 3);
    const auto video = Task(chunk);
    Run({video});
    EXPECT_EQ(video->ended(), "completed");
    auto audio = Input<workflow::v1::EncodeAudioInput>();
    audio.set_object_prefix("processed/v1");
    *audio.mutable_media() = info_;
    *audio.mutable_track() = media::AudioPlan(info_, chunk.track());
    RecordedExecution encode("media.EncodeAudio", "audio_0", audio);
    EXPECT_TRUE(EncodeAudio(*context_, encode).ok);
    workflow::v1::MakeMp4Input input;
    input.set_video_id("v1");
    input.set_object_prefix("processed/v1");
    input.set_duration_seconds(info_.duration_seconds());
    *input.add_tracks() = chunk.track();
    *input.add_tracks() = audio.track();
    return input;
  }
  // The file's packets, by way of a folder.
  std::vector<media::ProbedPacket> Packets(const std::string& type) {
    media::WriteFile(folder_ / "file.mp4", Object("processed/v1/download.mp4"));
    return media::ProbePackets(folder_ / "file.mp4", type);
  }
};

TEST_F(Mp4Test, IsMadeOfTheSegmentsOnceAndAnsweredAgain) {
  const auto input = Encoded();
  for (int time = 0; time < 2; ++time) {
    RecordedExecution make("media.MakeMp4", "mp4", input);
    const workflow::ActivityOutcome outcome = MakeMp4(*context_, make);
    ASSERT_TRUE(outcome.ok) << outcome.failure.ShortDebugString();
    workflow::v1::ExtractPartResult result;
    ASSERT_THAT(workflow::FromPayload(outcome.result, result), IsOk());
    EXPECT_EQ(result.key(), "processed/v1/download.mp4");
    EXPECT_EQ(result.bytes(), static_cast<int64_t>(Object("processed/v1/download.mp4").size()));
  }
  EXPECT_EQ(Packets("v").size(), 180U);
  EXPECT_GT(Packets("a").size(), 270U);
  EXPECT_EQ(media::RunProgram("ffmpeg -v error -i '" + folder_ / "file.mp4" + "' -f null - 2>&1"), "");
  EXPECT_EQ(store_->Head("processed/v1/download.mp4")->content_type, "video/mp4");
}

TEST_F(Mp4Test, WhatAnAttemptThatDiedHasUploadedIsLeftNowhere) {
  const auto input = Encoded();
  const auto id = store_->CreateMultipart("processed/v1/download.mp4", {.part_size = storage::PartBytesFor(1)});
  ASSERT_THAT(id, IsOk());
  workflow::v1::MakeMp4Checkpoint checkpoint;
  checkpoint.set_multipart_id(*id);
  RecordedExecution make("media.MakeMp4", "mp4", input, workflow::ToPayload(checkpoint));
  const workflow::ActivityOutcome outcome = MakeMp4(*context_, make);
  ASSERT_TRUE(outcome.ok) << outcome.failure.ShortDebugString();
  EXPECT_THAT(store_->UploadPart("processed/v1/download.mp4", *id, 1, "late"), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(Packets("v").size(), 180U);
}

TEST_F(Mp4Test, ASegmentThatIsGoneIsTold) {
  const auto input = Encoded();
  ASSERT_THAT(store_->Delete("processed/v1/180p/seg_1.m4s"), IsOk());
  RecordedExecution make("media.MakeMp4", "mp4", input);
  const workflow::ActivityOutcome outcome = MakeMp4(*context_, make);
  ASSERT_FALSE(outcome.ok);
  EXPECT_NE(outcome.failure.message().find("processed/v1/180p/seg_1.m4s was published and is not in the store"), std::string::npos)
      << outcome.failure.message();
  EXPECT_THAT(store_->Head("processed/v1/download.mp4"), StatusIs(StatusCode::kNotFound));
}

class HeadLastUploadTest : public EncodeTest {
 protected:
  static constexpr int64_t kHead = 1000;
  std::string Bytes(size_t size) {
    std::string bytes(size, '\0');
    for (size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 31 + i / 4096);
    return bytes;
  }
  HeadLastUpload Begin(size_t size, Writer writer = {}) {
    return HeadLastUpload(*store_, std::chrono::milliseconds(2000), std::move(writer),
                          {kKey, "video/mp4", kHead, kHead + static_cast<int64_t>(size)},
                          [this](const std::string& id) { begun_.push_back(id); });
  }
  static constexpr char kKey[] = "processed/v1/download.mp4";
  std::vector<std::string> begun_;
};

TEST_F(HeadLastUploadTest, AnObjectOfAnySizeIsWhole) {
  const auto part = static_cast<size_t>(storage::PartBytesFor(1));
  for (const size_t size : {size_t{0}, size_t{5}, part - kHead - 1, part - kHead, part - kHead + 1, 2 * part - kHead, 2 * part + 12'345}) {
    begun_.clear();
    HeadLastUpload upload = Begin(size);
    const std::string bytes = Bytes(size), head(kHead, 'h');
    for (size_t at = 0; at < size; at += 1'000'003) ASSERT_THAT(upload.Append(std::string_view(bytes).substr(at, 1'000'003)), IsOk());
    const auto made = upload.Finish(head);
    ASSERT_THAT(made, IsOk()) << size;
    EXPECT_EQ(*made, static_cast<int64_t>(size) + kHead);
    EXPECT_EQ(begun_.size(), size > part - kHead ? 1U : 0U) << size;
    const auto stored = store_->Get(kKey, 100 << 20);
    ASSERT_THAT(stored, IsOk());
    EXPECT_TRUE(*stored == head + bytes) << size;
  }
}

TEST_F(HeadLastUploadTest, OneThatIsAbandonedOrNotOwnedLeavesNothing) {
  const auto part = static_cast<size_t>(storage::PartBytesFor(1));
  const std::string bytes = Bytes(3 * part);
  HeadLastUpload upload = Begin(bytes.size());
  ASSERT_THAT(upload.Append(bytes), IsOk());
  upload.Abandon();
  EXPECT_THAT(upload.Finish(std::string(kHead, 'h')), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(store_->Head(kKey), StatusIs(StatusCode::kNotFound));
  HeadLastUpload disowned = Begin(bytes.size(), {.stopping = {}, .disowned = [] { return true; }});
  EXPECT_THAT(disowned.Append(bytes), StatusIs(StatusCode::kAborted));
  EXPECT_EQ(begun_.size(), 1U);
}

}  // namespace
}  // namespace vora::transcode
