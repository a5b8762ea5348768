#include "services/metadata/videos/encode_repo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "libs/workflow/definition/payload.h"
#include "services/metadata/harness_test.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class EncodeRepoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    id_ = repos_.videos.Create(SomeVideo("u1"))->video.video_id();
    const wf::ProcessVideoInput start = ClaimStart("run-1");
    Process(start.video_id(), "run-1", "READY");
    ASSERT_EQ(Video().state(), v1::VIDEO_STATE_READY);
  }
  v1::Video Video() { return *repos_.videos.Get("default", id_); }
  StatusOr<BegunEncode> Begin(const std::string& ladder) {
    v1::EncodeVideoRequest request;
    request.set_video_id(id_);
    request.set_ladder(ladder);
    return repos_.encodes.Begin("default", request);
  }
  wf::ProcessVideoInput ClaimStart(const std::string& run) {
    const OutboxRow row = **repos_.outbox.Claim(std::chrono::seconds(30));
    EXPECT_EQ(row.kind, "start");
    wf::ProcessVideoInput input;
    EXPECT_THAT(workflow::FromPayload(row.payload, input), IsOk());
    EXPECT_THAT(repos_.outbox.FinishStart(row, run), IsOk());
    return input;
  }
  wf::DeleteVideoInput ClaimDelete() {
    wf::DeleteVideoInput input;
    const auto row = repos_.outbox.Claim(std::chrono::seconds(30));
    if (!row.ok() || !*row || (*row)->kind != "delete") {
      ADD_FAILURE() << "nothing is to be deleted";
      return input;
    }
    EXPECT_THAT(workflow::FromPayload((*row)->payload, input), IsOk());
    EXPECT_THAT(repos_.outbox.Finish(**row), IsOk());
    return input;
  }
  void Process(const std::string& id, const std::string& run, const std::string& end, const std::string& failed_track = "") {
    EXPECT_THAT(repos_.records.RecordPlan(run, SomePlan(id)), IsOk());
    for (const char* track : {"360p", "720p", "audio_0"}) {
      EXPECT_THAT(repos_.records.RecordSegments(run, SomeSegments(id, track, 0, 3)), IsOk());
      wf::RecordTrackInput done;
      done.set_video_id(id);
      done.set_track(track);
      done.set_state(track == failed_track ? "FAILED" : "DONE");
      done.set_failure(track == failed_track ? "it broke." : "");
      EXPECT_THAT(repos_.records.RecordTrack(run, done), IsOk());
    }
    End(id, run, end);
  }
  void End(const std::string& id, const std::string& run, const std::string& state) {
    wf::RecordVideoInput end;
    end.set_video_id(id);
    end.set_state(state);
    EXPECT_THAT(repos_.records.RecordVideo(run, end), IsOk());
  }
  v1::Encode Newest() { return repos_.encodes.List("default", id_)->encodes(0); }

  Repos repos_;
  std::string id_;
};

TEST_F(EncodeRepoTest, TakesTheVideosPlaceWhenItIsReadyAndNotBefore) {
  const int64_t version = Video().version();
  const auto begun = Begin("mobile");
  ASSERT_THAT(begun, IsOk());
  EXPECT_TRUE(begun->begun);
  EXPECT_EQ(begun->encode.revision(), 2);
  EXPECT_EQ(begun->encode.ladder(), "mobile");
  // The same again is the same; another one has to wait.
  EXPECT_FALSE(Begin("mobile")->begun);
  EXPECT_THAT(Begin("hd"), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(repos_.videos.Retry("default", id_), StatusIs(StatusCode::kFailedPrecondition));
  const wf::ProcessVideoInput start = ClaimStart("run-2");
  EXPECT_NE(start.video_id(), id_);
  EXPECT_EQ(start.object_prefix(), "processed/" + id_ + "/r2");
  EXPECT_EQ(start.source_key(), "raw/u1/original");
  EXPECT_EQ(start.ladder().name(), "mobile");
  // Nobody sees a second video.
  EXPECT_THAT(repos_.videos.Get("default", start.video_id()), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(repos_.videos.Delete("default", start.video_id()), StatusIs(StatusCode::kNotFound));
  EXPECT_THAT(repos_.presentations.Get(start.video_id()), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(repos_.videos.List({"default", "", "", "", {}}, 50, "")->videos.size(), 1u);
  EXPECT_EQ(repos_.videos.CountByState()->at("PROCESSING"), 0);
  EXPECT_EQ(repos_.videos.ChangesAfter(version, 50)->size(), 0u);
  EXPECT_EQ(repos_.presentations.Get(id_)->object_prefix(), "processed/" + id_);
  EXPECT_EQ(Newest().state(), v1::VIDEO_STATE_PROCESSING);
  EXPECT_EQ(*repos_.encodes.OpenRun(id_), start.video_id());
  EXPECT_THAT(repos_.videos.SetPriority("default", id_, 7), IsOk());
  EXPECT_EQ(**repos_.outbox.PriorityOf(start.video_id()), 7);

  Process(start.video_id(), "run-2", "READY");
  const v1::Video video = Video();
  EXPECT_EQ(video.state(), v1::VIDEO_STATE_READY);
  EXPECT_EQ(video.revision(), 2);
  EXPECT_EQ(video.ladder(), "mobile");
  EXPECT_EQ(video.renditions_size(), 3);
  EXPECT_TRUE(video.playable());
  EXPECT_GT(video.version(), version);
  const auto presentation = repos_.presentations.Get(id_);
  EXPECT_EQ(presentation->object_prefix(), "processed/" + id_ + "/r2");
  ASSERT_EQ(presentation->tracks_size(), 3);
  EXPECT_EQ(presentation->tracks(1).segments_size(), 3);
  EXPECT_EQ(Newest().state(), v1::VIDEO_STATE_READY);
  // A repeated report changes nothing.
  End(start.video_id(), "run-2", "READY");
  EXPECT_EQ(Video().version(), video.version());
  // What players had goes, and only that.
  EXPECT_EQ(*repos_.encodes.DropReplaced(), 1);
  EXPECT_EQ(*repos_.encodes.DropReplaced(), 0);
  const std::string old = "processed/" + id_ + "/";
  const wf::DeleteVideoInput replaced = ClaimDelete();
  EXPECT_THAT(replaced.prefixes(), UnorderedElementsAre(old + "360p/", old + "720p/", old + "audio_0/"));
  EXPECT_THAT(replaced.folders(), ElementsAre(old)) << "poster, masters and the like";
  // And again: each lies in a folder of its own.
  ASSERT_THAT(Begin("hd"), IsOk());
  const wf::ProcessVideoInput third = ClaimStart("run-3");
  EXPECT_EQ(third.object_prefix(), "processed/" + id_ + "/r3");
  Process(third.video_id(), "run-3", "READY");
  EXPECT_EQ(Video().revision(), 3);
  EXPECT_EQ(*repos_.encodes.DropReplaced(), 1);
  EXPECT_THAT(ClaimDelete().prefixes(), ElementsAre(old + "r2/"));
}

TEST_F(EncodeRepoTest, OneThatFailsOrIsNotWholeLeavesTheVideoAsItWas) {
  ASSERT_THAT(Begin("mobile"), IsOk());
  const std::string second = ClaimStart("run-2").video_id();
  Process(second, "run-2", "READY", "720p");
  EXPECT_EQ(Newest().state(), v1::VIDEO_STATE_FAILED);
  EXPECT_EQ(Newest().failure_code(), "encode.incomplete");
  EXPECT_THAT(Newest().failure(), HasSubstr("720p: it broke. The video stays as it was."));
  EXPECT_EQ(Video().revision(), 1);
  EXPECT_EQ(Video().state(), v1::VIDEO_STATE_READY);
  EXPECT_EQ(*repos_.encodes.DropReplaced(), 1);
  EXPECT_THAT(ClaimDelete().prefixes(), ElementsAre("processed/" + id_ + "/r2/"));
  // The number is not given again.
  EXPECT_EQ(Begin("mobile")->encode.revision(), 3);
}

TEST_F(EncodeRepoTest, IsCancelledAloneAndWithItsVideo) {
  ASSERT_THAT(Begin("mobile"), IsOk());
  v1::CancelEncodeRequest cancel;
  cancel.set_video_id(id_);
  cancel.set_revision(7);
  EXPECT_THAT(repos_.encodes.Cancel("default", cancel), StatusIs(StatusCode::kNotFound));
  cancel.set_revision(2);
  EXPECT_THAT(repos_.encodes.Cancel("other", cancel), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(repos_.encodes.Cancel("default", cancel)->state(), v1::VIDEO_STATE_CANCELLED) << "it had not begun";
  EXPECT_THAT(repos_.encodes.Cancel("default", cancel), StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_EQ(*repos_.encodes.DropReplaced(), 1);
  EXPECT_THAT(ClaimDelete().prefixes(), ElementsAre("processed/" + id_ + "/r2/"));

  ASSERT_THAT(Begin("mobile"), IsOk());
  const std::string third = ClaimStart("run-3").video_id();
  EXPECT_THAT(repos_.videos.Delete("default", id_), IsOk());
  // First it stops, then its objects go; and the video's.
  std::vector<std::string> told;
  while (true) {
    const auto row = repos_.outbox.Claim(std::chrono::seconds(30));
    ASSERT_THAT(row, IsOk());
    if (!*row) break;
    told.push_back((*row)->kind + " " + ((*row)->video_id == third ? "encode" : "video"));
    EXPECT_THAT(repos_.outbox.Finish(**row), IsOk());
  }
  EXPECT_THAT(told, ElementsAre("cancel encode", "delete encode", "delete video"));
  // What its run still tells is late.
  Process(third, "run-3", "READY");
  EXPECT_THAT(repos_.videos.Get("default", id_), StatusIs(StatusCode::kNotFound));
  EXPECT_EQ(*repos_.encodes.DropReplaced(), 0);
}

TEST_F(EncodeRepoTest, ACancelThatWasAnsweredHolds) {
  ASSERT_THAT(Begin("mobile"), IsOk());
  const std::string second = ClaimStart("run-2").video_id();
  v1::CancelEncodeRequest cancel;
  cancel.set_video_id(id_);
  cancel.set_revision(2);
  ASSERT_THAT(repos_.encodes.Cancel("default", cancel), IsOk());
  Process(second, "run-2", "READY");
  EXPECT_EQ(Newest().state(), v1::VIDEO_STATE_CANCELLED);
  EXPECT_EQ(Video().revision(), 1);
}

TEST_F(EncodeRepoTest, OneThatLacksWhatPlayersHaveDoesNotTakeItsPlace) {
  wf::RecordPosterInput poster;
  poster.set_video_id(id_);
  poster.set_key("processed/" + id_ + "/poster.jpg");
  ASSERT_THAT(repos_.records.RecordPoster("run-1", poster), IsOk());
  ASSERT_THAT(Begin("mobile"), IsOk());
  Process(ClaimStart("run-2").video_id(), "run-2", "READY");
  EXPECT_EQ(Newest().state(), v1::VIDEO_STATE_FAILED);
  EXPECT_THAT(Newest().failure(), HasSubstr("the poster could not be made"));
  EXPECT_NE(Video().poster_url(), "");
}

// A replica of the version before knows nothing of encodes: it records and deletes them as if they were videos, or not at all.
TEST_F(EncodeRepoTest, WhatAnOlderReplicaLeftUndoneIsDone) {
  ASSERT_THAT(Begin("mobile"), IsOk());
  const std::string second = ClaimStart("run-2").video_id();
  Process(second, "run-2", "PARTIALLY_READY");
  const auto as_before = [&](const std::string& sql) {
    EXPECT_THAT(repos_.store.Transact([&](pqxx::work& tx) -> Status {
      tx.exec(sql);
      return absl::OkStatus();
    }),
                IsOk());
  };
  as_before("UPDATE videos SET state = 'READY' WHERE video_id = '" + second + "'");
  EXPECT_THAT(repos_.encodes.MendOlder(), IsOk());
  EXPECT_EQ(Video().revision(), 2);
  EXPECT_EQ(Video().renditions_size(), 3);
  EXPECT_EQ(*repos_.encodes.DropReplaced(), 1);
  ClaimDelete();
  ASSERT_THAT(Begin("hd"), IsOk());
  ClaimStart("run-3");
  as_before("UPDATE videos SET deleted_at = now() WHERE video_id = '" + id_ + "'");
  EXPECT_THAT(repos_.encodes.MendOlder(), IsOk());
  const auto cancel = repos_.outbox.Claim(std::chrono::seconds(30));
  ASSERT_THAT(cancel, IsOk());
  ASSERT_TRUE(cancel->has_value());
  EXPECT_EQ((*cancel)->kind, "cancel");
  EXPECT_THAT(repos_.outbox.Finish(**cancel), IsOk());
  EXPECT_THAT(ClaimDelete().prefixes(), ElementsAre("processed/" + id_ + "/r3/"));
  EXPECT_THAT(repos_.encodes.MendOlder(), IsOk());
  EXPECT_EQ(*repos_.encodes.DropReplaced(), 0);
}

TEST_F(EncodeRepoTest, HealsAVideoThatFailed) {
  const std::string id = repos_.videos.Create(SomeVideo("u2"))->video.video_id();
  v1::EncodeVideoRequest request;
  request.set_video_id(id);
  EXPECT_THAT(repos_.encodes.Begin("default", request), StatusIs(StatusCode::kFailedPrecondition)) << "it is processed";
  ClaimStart("run-a");
  End(id, "run-a", "FAILED");
  request.set_ladder("no such");
  EXPECT_THAT(repos_.encodes.Begin("default", request), StatusIs(StatusCode::kInvalidArgument));
  request.clear_ladder();
  ASSERT_THAT(repos_.encodes.Begin("default", request), IsOk());
  Process(ClaimStart("run-b").video_id(), "run-b", "READY");
  const auto video = repos_.videos.Get("default", id);
  EXPECT_EQ(video->state(), v1::VIDEO_STATE_READY);
  EXPECT_EQ(video->failure_code(), "");
  EXPECT_EQ(video->renditions_size(), 3);
}

}  // namespace
}  // namespace vora::metadata
