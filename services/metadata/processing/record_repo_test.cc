#include "services/metadata/processing/record_repo.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/testing/status_matchers.h"
#include "libs/workflow/definition/payload.h"
#include "services/metadata/harness_test.h"
#include "services/metadata/rows/video_rows_internal.h"

namespace vora::metadata {
namespace {

namespace wf = workflow::v1;
using ::testing::HasSubstr;

class RecordRepoTest : public ::testing::Test {
 protected:
  void SetUp() override {
    id_ = repos_.videos.Create(SomeVideo("u1"))->video.video_id();
    start_ = **repos_.outbox.Claim(std::chrono::seconds(30));
    ASSERT_THAT(repos_.outbox.FinishStart(start_, "run-1"), IsOk());
  }
  v1::Video Video() { return *repos_.videos.Get("default", id_); }
  v1::Rendition Rendition(const std::string& name) {
    const v1::Video video = Video();
    for (const auto& rendition : video.renditions()) {
      if (rendition.name() == name) return rendition;
    }
    return {};
  }
  bool Plan() { return *repos_.records.RecordPlan("run-1", SomePlan(id_)); }
  bool Segments(const std::string& track, int first, int count) {
    const auto changed = repos_.records.RecordSegments("run-1", SomeSegments(id_, track, first, count));
    EXPECT_THAT(changed, IsOk());
    return changed.ok() && *changed;
  }
  StatusOr<bool> Track(const std::string& track, const std::string& state, const std::string& run = "run-1") {
    wf::RecordTrackInput input;
    input.set_video_id(id_);
    input.set_track(track);
    input.set_state(state);
    if (state == "FAILED") input.set_failure_code("media.broken"), input.set_failure("it broke");
    return repos_.records.RecordTrack(run, input);
  }
  StatusOr<bool> Finish(const std::string& state, const std::string& run = "run-1") {
    wf::RecordVideoInput input;
    input.set_video_id(id_);
    input.set_state(state);
    if (state == "FAILED") input.set_failure_code("media.no_video"), input.set_failure("the file has no picture");
    return repos_.records.RecordVideo(run, input);
  }
  wf::ProcessVideoInput ClaimStart() {
    start_ = **repos_.outbox.Claim(std::chrono::seconds(30));
    wf::ProcessVideoInput input;
    EXPECT_THAT(workflow::FromPayload(start_.payload, input), IsOk());
    return input;
  }

  Repos repos_;
  std::string id_;
  OutboxRow start_;
};

TEST_F(RecordRepoTest, FromPlanToReady) {
  EXPECT_EQ(Video().state(), v1::VIDEO_STATE_PROCESSING);
  EXPECT_TRUE(Plan());
  const int64_t version = Video().version();
  EXPECT_FALSE(Plan());
  EXPECT_EQ(Video().version(), version) << "a repeated report changes nothing";
  ASSERT_EQ(Video().renditions_size(), 3);
  EXPECT_EQ(Video().renditions(0).name(), "360p");
  EXPECT_EQ(Video().duration_seconds(), 12);
  EXPECT_EQ(Rendition("720p").bandwidth(), 2'800'000) << "the cap until measured";

  EXPECT_TRUE(Segments("360p", 0, 1));
  EXPECT_FALSE(Segments("360p", 0, 1));
  EXPECT_FALSE(Video().playable()) << "there is audio, and none of it yet";
  EXPECT_EQ(Video().state(), v1::VIDEO_STATE_PROCESSING);
  EXPECT_TRUE(Segments("audio_0", 0, 3));
  EXPECT_TRUE(Video().playable());
  EXPECT_EQ(Video().state(), v1::VIDEO_STATE_PARTIALLY_READY);
  EXPECT_TRUE(Video().has_first_playable_at());
  EXPECT_EQ(Video().hls_url(), "http://edge/v/" + id_ + "/master.m3u8");
  EXPECT_EQ(Rendition("360p").state(), v1::RENDITION_STATE_PROCESSING);
  EXPECT_EQ(Rendition("360p").progress_percent(), 33);
  // 100 000 bytes in 4 s.
  EXPECT_EQ(Rendition("360p").bandwidth(), 200'000);
  EXPECT_EQ(Rendition("360p").codecs(), "avc1.640028");

  EXPECT_TRUE(Segments("360p", 1, 2));
  EXPECT_EQ(Rendition("360p").bandwidth(), 600'000);
  EXPECT_EQ(Rendition("360p").average_bandwidth(), 400'000);
  EXPECT_EQ(Rendition("360p").progress_percent(), 99) << "100 only when DONE";
  EXPECT_TRUE(*Track("360p", "DONE"));
  EXPECT_FALSE(*Track("360p", "DONE"));
  EXPECT_EQ(Rendition("360p").progress_percent(), 100);
  EXPECT_TRUE(*Track("audio_0", "DONE"));

  const Status early = Finish("READY").status();
  EXPECT_THAT(early, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Message(early), HasSubstr("rendition 720p is still PENDING"));
  EXPECT_EQ(Video().state(), v1::VIDEO_STATE_PARTIALLY_READY);

  EXPECT_TRUE(Segments("720p", 0, 3));
  EXPECT_TRUE(*Track("720p", "DONE"));
  EXPECT_TRUE(*Finish("READY"));
  EXPECT_FALSE(*Finish("READY"));
  EXPECT_THAT(repos_.metrics.Expose(), HasSubstr("vora_video_processing_seconds_count{result=\"ready\"} 1\n"));
  EXPECT_THAT(repos_.metrics.Expose(), HasSubstr("vora_video_time_to_playable_seconds_count 1\n"));
  EXPECT_EQ(Video().state(), v1::VIDEO_STATE_READY);
  EXPECT_EQ(Video().progress_percent(), 100);
  EXPECT_TRUE(Video().has_ready_at());
  const Status illegal = Finish("CANCELLED").status();
  EXPECT_THAT(illegal, StatusIs(StatusCode::kFailedPrecondition));
  EXPECT_THAT(Message(illegal), HasSubstr("from READY to CANCELLED"));
  EXPECT_FALSE(Segments("720p", 0, 3)) << "a late repetition is no error";
  EXPECT_THAT(repos_.videos.Retry("default", id_), StatusIs(StatusCode::kFailedPrecondition));
}

TEST_F(RecordRepoTest, APresentationEndsAtTheFirstGap) {
  ASSERT_TRUE(Plan());
  ASSERT_TRUE(Segments("720p", 0, 1));
  ASSERT_TRUE(Segments("720p", 2, 1));
  ASSERT_TRUE(Segments("audio_0", 0, 3));
  ASSERT_TRUE(*Track("360p", "FAILED"));
  const auto presentation = repos_.presentations.Get(id_);
  ASSERT_THAT(presentation, IsOk());
  EXPECT_EQ(presentation->state(), "PARTIALLY_READY");
  EXPECT_EQ(presentation->object_prefix(), "processed/" + id_);
  EXPECT_EQ(presentation->target_segment_seconds(), 4);
  EXPECT_EQ(presentation->duration_seconds(), 12);
  EXPECT_FALSE(presentation->complete());
  ASSERT_EQ(presentation->tracks_size(), 3);
  EXPECT_TRUE(presentation->tracks(0).failed());
  const auto& video = presentation->tracks(1);
  EXPECT_EQ(video.name(), "720p");
  EXPECT_EQ(video.segments_size(), 1);
  EXPECT_FALSE(video.complete());
  EXPECT_EQ(video.frame_rate_num(), 25);
  const auto& audio = presentation->tracks(2);
  EXPECT_EQ(audio.segments_size(), 3);
  EXPECT_TRUE(audio.complete());
  EXPECT_EQ(audio.language(), "en");
  EXPECT_EQ(audio.segments(2).bytes(), 300'000);
  ASSERT_TRUE(Segments("720p", 1, 1));
  EXPECT_EQ(repos_.presentations.Get(id_)->tracks(1).segments_size(), 3);
  EXPECT_THAT(repos_.presentations.Get(std::string(32, 'f')), StatusIs(StatusCode::kNotFound));
}

TEST_F(RecordRepoTest, FailureSettlesAndARetryKeepsWhatIsDone) {
  ASSERT_TRUE(Plan());
  ASSERT_TRUE(Segments("360p", 0, 3) && Segments("audio_0", 0, 3) && Segments("720p", 0, 1));
  ASSERT_TRUE(*Track("360p", "DONE"));
  wf::RecordPosterInput poster;
  poster.set_video_id(id_);
  poster.set_key("processed/" + id_ + "/poster.jpg");
  EXPECT_TRUE(*repos_.records.RecordPoster("run-1", poster));
  EXPECT_FALSE(*repos_.records.RecordPoster("run-1", poster));
  EXPECT_EQ(Video().poster_url(), "http://edge/v/" + id_ + "/poster.jpg");
  ASSERT_TRUE(*Finish("FAILED"));
  EXPECT_EQ(Video().failure_code(), "media.no_video");
  EXPECT_EQ(Video().failure(), "the file has no picture");
  EXPECT_EQ(Rendition("360p").state(), v1::RENDITION_STATE_DONE);
  EXPECT_EQ(Rendition("720p").state(), v1::RENDITION_STATE_FAILED);

  const auto retried = repos_.videos.Retry("default", id_);
  ASSERT_THAT(retried, IsOk());
  EXPECT_EQ(retried->state(), v1::VIDEO_STATE_PARTIALLY_READY) << "it can be played already";
  EXPECT_EQ(retried->failure(), "");
  EXPECT_EQ(Rendition("720p").state(), v1::RENDITION_STATE_PROCESSING);
  EXPECT_EQ(Rendition("720p").progress_percent(), 33);
  const auto input = ClaimStart();
  EXPECT_EQ(input.media().duration_seconds(), 12);
  EXPECT_TRUE(input.poster_done());
  EXPECT_EQ(input.ladder().rungs_size(), 3);
  ASSERT_EQ(input.done_ranges_size(), 3);
  EXPECT_EQ(input.done_ranges(0).track(), "360p");
  ASSERT_EQ(input.done_ranges(0).ranges_size(), 1);
  EXPECT_EQ(input.done_ranges(0).ranges(0).first(), 0);
  EXPECT_EQ(input.done_ranges(0).ranges(0).count(), 3);
  EXPECT_EQ(input.done_ranges(1).ranges(0).count(), 1);
  EXPECT_EQ(start_.last_run_id, "run-1");

  // The run before has no say any more, the new one has, even before the outbox learnt its id.
  EXPECT_FALSE(*Finish("CANCELLED", "run-1"));
  EXPECT_EQ(Video().state(), v1::VIDEO_STATE_PARTIALLY_READY);
  EXPECT_TRUE(*Track("720p", "DONE", "run-2"));
  ASSERT_THAT(repos_.outbox.FinishStart(start_, "run-2"), IsOk());
  EXPECT_FALSE(*Finish("READY", "run-3")) << "an unknown run has none either";
  EXPECT_TRUE(*Track("audio_0", "DONE", "run-2"));
  EXPECT_TRUE(*Finish("READY", "run-2"));
}

TEST_F(RecordRepoTest, AnyPartIsRememberedByItsName) {
  wf::RecordPartInput part;
  part.set_video_id(id_);
  part.set_part("waveform");
  part.set_key("processed/" + id_ + "/waveform.json");
  EXPECT_TRUE(*repos_.records.RecordPart("run-1", part));
  EXPECT_FALSE(*repos_.records.RecordPart("run-1", part));
  const v1::Video video = Video();
  ASSERT_EQ(video.parts_size(), 1);
  EXPECT_EQ(video.parts(0).name(), "waveform");
  EXPECT_EQ(video.parts(0).url(), "http://edge/v/" + id_ + "/waveform.json");
  EXPECT_EQ(video.storyboard_url(), "");
  for (const char* bad : {"Wave", "a b", "a'", "0123456789012345678901234567890123"}) {
    part.set_part(bad);
    EXPECT_THAT(repos_.records.RecordPart("run-1", part), StatusIs(StatusCode::kInvalidArgument)) << bad;
  }
}

TEST_F(RecordRepoTest, StoryboardAndCaptionsAreShownWarnedOfAndKeptForARetry) {
  ASSERT_TRUE(Plan());
  wf::RecordPartInput storyboard;
  storyboard.set_video_id(id_);
  storyboard.add_warnings("no \"pictures\"");
  EXPECT_TRUE(*repos_.records.RecordPart("run-1", storyboard));
  EXPECT_FALSE(*repos_.records.RecordPart("run-1", storyboard));
  EXPECT_EQ(Video().storyboard_url(), "");
  EXPECT_THAT(Video().warnings(), ::testing::ElementsAre("no \"pictures\""));
  storyboard.clear_warnings();
  storyboard.set_key("processed/" + id_ + "/storyboard.vtt");
  EXPECT_TRUE(*repos_.records.RecordPart("run-1", storyboard));
  EXPECT_FALSE(*repos_.records.RecordPart("run-1", storyboard));
  EXPECT_EQ(Video().storyboard_url(), "http://edge/v/" + id_ + "/storyboard.vtt");
  EXPECT_THAT(Video().warnings(), ::testing::IsEmpty()) << "a later try did it";

  wf::RecordCaptionsInput failed;
  failed.set_video_id(id_);
  failed.add_warnings("no captions");
  EXPECT_TRUE(*repos_.records.RecordCaptions("run-1", failed));
  EXPECT_FALSE(*repos_.records.RecordCaptions("run-1", failed));
  EXPECT_THAT(Video().warnings(), ::testing::ElementsAre("no captions"));
  EXPECT_EQ(repos_.presentations.Get(id_)->captions_size(), 0);
  wf::RecordCaptionsInput made;
  made.set_video_id(id_);
  made.set_done(true);
  auto* caption = made.add_captions();
  caption->set_track("subs_pt-BR");
  caption->set_language("pt-BR");
  caption->set_name("Portugu\xc3\xaas \"Brasil\"");
  caption->set_bytes(1234);
  caption->set_forced(true);
  EXPECT_TRUE(*repos_.records.RecordCaptions("run-1", made));
  EXPECT_FALSE(*repos_.records.RecordCaptions("run-1", made));
  EXPECT_FALSE(*repos_.records.RecordCaptions("run-1", failed)) << "a late failure takes nothing away";
  ASSERT_EQ(Video().captions_size(), 1);
  EXPECT_EQ(Video().captions(0).url(), "http://edge/v/" + id_ + "/subs_pt-BR/seg_0.vtt");
  EXPECT_EQ(Video().captions(0).name(), "Portugu\xc3\xaas \"Brasil\"");
  EXPECT_TRUE(Video().captions(0).forced());
  EXPECT_THAT(Video().warnings(), ::testing::IsEmpty());
  const auto presentation = repos_.presentations.Get(id_);
  ASSERT_EQ(presentation->captions_size(), 1);
  EXPECT_EQ(presentation->captions(0).track(), "subs_pt-BR");

  ASSERT_TRUE(*Finish("FAILED"));
  ASSERT_THAT(repos_.videos.Retry("default", id_), IsOk());
  const auto input = ClaimStart();
  EXPECT_GE(input.pipeline_version(), 2) << "the version that brought the storyboard";
  EXPECT_TRUE(input.storyboard_done());
  EXPECT_TRUE(input.captions_done());
  ASSERT_EQ(input.captions_size(), 1);
  EXPECT_EQ(input.captions(0).bytes(), 1234);
  EXPECT_FALSE(*repos_.records.RecordCaptions("run-1", made)) << "an earlier run has no say";
}

TEST_F(RecordRepoTest, ReadyWithAFailedRenditionCanBeRetried) {
  ASSERT_TRUE(Plan());
  ASSERT_TRUE(Segments("360p", 0, 3) && Segments("audio_0", 0, 3));
  ASSERT_TRUE(*Track("360p", "DONE") && *Track("audio_0", "DONE") && *Track("720p", "FAILED"));
  EXPECT_EQ(Rendition("720p").failure(), "it broke");
  ASSERT_TRUE(*Finish("READY"));
  EXPECT_EQ(repos_.videos.Retry("default", id_)->state(), v1::VIDEO_STATE_PARTIALLY_READY);
  EXPECT_EQ(Rendition("720p").state(), v1::RENDITION_STATE_PENDING);
  EXPECT_EQ(Rendition("720p").failure(), "");
  EXPECT_EQ(Rendition("360p").state(), v1::RENDITION_STATE_DONE);
  EXPECT_FALSE(Video().has_ready_at());
}

TEST_F(RecordRepoTest, CancelledAndDeletedVideosTakeNoReports) {
  ASSERT_TRUE(Plan());
  EXPECT_EQ(repos_.videos.Cancel("default", id_)->state(), v1::VIDEO_STATE_PROCESSING) << "its workflow confirms";
  ASSERT_THAT(repos_.videos.Cancel("default", id_), IsOk());
  EXPECT_EQ(repos_.outbox.Pending()->rows, 1) << "cancelled once";
  EXPECT_TRUE(*Finish("CANCELLED"));
  EXPECT_EQ(Video().state(), v1::VIDEO_STATE_CANCELLED);
  EXPECT_FALSE(Segments("360p", 0, 1));
  EXPECT_FALSE(*Track("360p", "FAILED"));
  EXPECT_FALSE(*Finish("FAILED"));
  ASSERT_THAT(repos_.videos.Delete("default", id_), IsOk());
  EXPECT_FALSE(Segments("360p", 0, 1));
  EXPECT_FALSE(*Finish("CANCELLED"));
  EXPECT_THAT(repos_.presentations.Get(id_), StatusIs(StatusCode::kNotFound));
}

TEST_F(RecordRepoTest, NonsenseIsNamed) {
  ASSERT_TRUE(Plan());
  EXPECT_THAT(ToText(repos_.records.RecordSegments("run-1", SomeSegments(id_, "4k", 0, 1)).status()),
              HasSubstr("NOT_FOUND: the plan of video"));
  EXPECT_THAT(ToText(Finish("DONE").status()), HasSubstr("INVALID_ARGUMENT: state: no video state is called DONE"));
  EXPECT_THAT(ToText(Track("360p", "READY").status()), HasSubstr("INVALID_ARGUMENT: state: no rendition state is called READY"));
  EXPECT_THAT(ToText(Track("360p", "DONE").status()), HasSubstr("FAILED_PRECONDITION: a rendition cannot go from PENDING to DONE"));
}

TEST_F(RecordRepoTest, APlanThatOvertakesTheOutboxStartsTheVideo) {
  const std::string id = repos_.videos.Create(SomeVideo("u2"))->video.video_id();
  EXPECT_TRUE(*repos_.records.RecordPlan("run-9", SomePlan(id)));
  EXPECT_EQ(repos_.videos.Get("default", id)->state(), v1::VIDEO_STATE_PROCESSING);
}

TEST_F(RecordRepoTest, ProgressInFlightAndRunsThatEndWithoutAWord) {
  ASSERT_TRUE(Plan());
  ASSERT_TRUE(Segments("720p", 0, 1));
  const auto claimed = repos_.progress.Claim(std::chrono::milliseconds(60'000), 10);
  ASSERT_THAT(claimed, IsOk());
  ASSERT_EQ(claimed->size(), 1u);
  EXPECT_TRUE(repos_.progress.Claim(std::chrono::milliseconds(60'000), 10)->empty()) << "one replica at a time";
  ActivitySums sums;
  auto* sum = sums.Add();
  sum->set_activity_type("media.EncodeGroup");
  sum->set_name("720p");
  sum->set_running(1);
  sum->set_progress(1);  // of two segments
  sum->set_failed(1);
  sum->set_failure("the encoder was killed");
  sum->add_retried()->set_activity_id("720p/chunk/1");
  sum->mutable_retried(0)->set_attempt(2);
  EXPECT_TRUE(*repos_.progress.Apply((*claimed)[0], sums));
  EXPECT_EQ(Rendition("720p").state(), v1::RENDITION_STATE_RETRYING);
  EXPECT_EQ(Rendition("720p").progress_percent(), 66);
  EXPECT_EQ(Rendition("720p").retries(), 1);
  EXPECT_EQ(Rendition("720p").failure(), "the encoder was killed");
  const int64_t version = Video().version();
  sum->set_progress(1.001);
  EXPECT_FALSE(*repos_.progress.Apply((*claimed)[0], sums)) << "less than a per cent";
  EXPECT_EQ(Video().version(), version);
  EXPECT_TRUE(*repos_.progress.Close((*claimed)[0], v1::VIDEO_STATE_FAILED, "workflow.terminated", "ended by an operator"));
  EXPECT_EQ(Video().state(), v1::VIDEO_STATE_FAILED);
  EXPECT_EQ(Video().failure_code(), "workflow.terminated");
  EXPECT_FALSE(*repos_.progress.Apply((*claimed)[0], sums));
  EXPECT_TRUE(repos_.progress.Claim(std::chrono::milliseconds(0), 10)->empty());
}

TEST_F(RecordRepoTest, WhatIsToldOfARunIsComparedWithItsVideo) {
  ASSERT_TRUE(Plan());
  FollowedRun run{id_, {}, 0}, other{id_, {}, 0}, gone{"nobody", {}, 0};
  for (FollowedRun* one : {&run, &other, &gone}) one->told.set_status(workflow::v1::WORKFLOW_STATUS_RUNNING);
  run.told.set_run_id("run-1");
  other.told.set_run_id("run-0");
  const auto need = [&](FollowedRun& one) {
    const auto needs = repos_.progress.Compare({&one});
    EXPECT_THAT(needs, IsOk());
    return needs.ok() ? needs->at(0) : Need::kLater;
  };
  EXPECT_EQ(need(run), Need::kNothing);
  EXPECT_EQ(run.version, Video().version());
  EXPECT_EQ(need(other), Need::kOver);
  EXPECT_EQ(need(gone), Need::kOver);
  auto* sum = run.told.add_activities();
  sum->set_activity_type("media.EncodeGroup");
  sum->set_name("720p");
  sum->set_progress(0.5);
  EXPECT_EQ(need(run), Need::kNothing) << "as long as neither has changed, nobody looks";
  ASSERT_TRUE(Segments("720p", 0, 1));
  EXPECT_EQ(need(run), Need::kWrite) << "the video has changed: what is under way comes on top of it";
  const auto apply = [&] { return *repos_.progress.Apply(run.run(), run.told.activities()); };
  EXPECT_THAT(repos_.store.Transact([&](pqxx::work& tx) -> Status {
    (void)LoadVideoRow(tx, id_, Lock::kForUpdate);
    EXPECT_FALSE(apply()) << "it does not wait for who changes the video";
    return absl::OkStatus();
  }),
              IsOk());
  EXPECT_EQ(need(run), Need::kWrite);
  EXPECT_TRUE(apply());
  EXPECT_EQ(Rendition("720p").progress_percent(), 50);
  EXPECT_EQ(need(run), Need::kNothing);
  run.version = 0;
  run.told.set_status(workflow::v1::WORKFLOW_STATUS_TERMINATED);
  EXPECT_EQ(need(run), Need::kWrite);
  EXPECT_TRUE(*repos_.progress.Close(run.run(), v1::VIDEO_STATE_CANCELLED, "", ""));
  EXPECT_EQ(need(run), Need::kOver);
}

TEST_F(RecordRepoTest, ARunThatItsVideoDoesNotKnowYetIsLeftForLater) {
  FollowedRun run{repos_.videos.Create(SomeVideo("u2"))->video.video_id(), {}, 0};
  run.told.set_run_id("run-9");
  run.told.set_status(workflow::v1::WORKFLOW_STATUS_TERMINATED);
  const auto needs = repos_.progress.Compare({&run});
  ASSERT_THAT(needs, IsOk());
  EXPECT_EQ(needs->at(0), Need::kLater);
}

}  // namespace
}  // namespace vora::metadata
