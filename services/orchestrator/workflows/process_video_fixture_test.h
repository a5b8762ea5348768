#pragma once

// ProcessVideo played through with activities that succeed, but for those named, and what metadata was told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "libs/ladder/ladder.h"
#include "libs/layout/segment_list.h"
#include "libs/testing/status_matchers.h"
#include "libs/workflow/testing/simulated_run.h"
#include "services/orchestrator/workflows/workflows.h"

namespace vora::workflows {

using namespace workflow;  // as the definitions do
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;
using workflow::testing::Failed;
using workflow::testing::SimulatedRun;
using workflow::testing::Success;

inline media::v1::MediaInfo Media(bool audio = true) {
  media::v1::MediaInfo media;
  media.set_container("mov,mp4,m4a,3gp,3g2,mj2");
  media.set_duration_seconds(30);
  auto* video = media.mutable_video();
  video->set_codec("h264");
  video->set_width(1280);
  video->set_height(720);
  video->set_frame_rate_num(30);
  video->set_frame_rate_den(1);
  video->set_frames(900);
  if (!audio) return media;
  auto* track = media.add_audio();
  track->set_stream_index(1);
  track->set_sample_rate(48000);
  track->set_channels(2);
  track->set_duration_seconds(30);
  return media;
}

inline v1::ProcessVideoInput Input() {
  v1::ProcessVideoInput input;
  input.set_video_id("v1");
  input.set_tenant("default");
  input.set_source_key("raw/u1/original");
  input.set_object_prefix("processed/v1");
  *input.mutable_ladder() = ladder::DefaultLadder();
  return input;
}

// Of a run with storyboard and captions.
inline v1::ProcessVideoInput Input2() {
  v1::ProcessVideoInput input = Input();
  input.set_pipeline_version(2);
  return input;
}

// The same in groups.
inline v1::ProcessVideoInput Input3() {
  v1::ProcessVideoInput input = Input();
  input.set_pipeline_version(3);
  return input;
}

inline media::v1::Caption Caption() {
  media::v1::Caption caption;
  caption.set_track("subs_en");
  caption.set_language("en");
  caption.set_name("English");
  caption.set_bytes(100);
  return caption;
}

inline media::v1::TrackSegments Segments(const std::string& track, int first, int count) {
  media::v1::TrackSegments segments;
  segments.set_track(track);
  segments.set_codecs("avc1.64001f");
  for (int i = first; i < first + count; ++i) {
    auto* segment = segments.add_segments();
    segment->set_index(i);
    segment->set_duration(120);
    segment->set_bytes(1000 + i);
  }
  return segments;
}

template <class T>
T Parse(const std::string& json) {
  T message;
  EXPECT_THAT(FromPayload(json, message), IsOk());
  return message;
}

// Every activity succeeds, and what metadata was told is kept.
struct World {
  media::v1::MediaInfo media = Media();
  std::set<std::string> failing;  // activity ids
  std::vector<v1::RecordVideoInput> videos;
  std::vector<v1::RecordPartInput> parts;
  std::vector<v1::RecordCaptionsInput> captions;
  std::map<std::string, v1::RecordTrackInput> tracks;
  std::map<std::string, std::set<int>> recorded;
  v1::PublishMastersInput masters;
  v1::MakeMp4Input mp4;
  std::vector<std::string> encoded;  // ids

  void Record(const media::v1::TrackSegments& segments) {
    const auto list = layout::Unpack(segments);
    ASSERT_THAT(list, IsOk());
    for (const auto& segment : *list) recorded[segments.track()].insert(segment.index());
  }
  ActivityResult operator()(const SimulatedRun::Activity& activity) {
    if (failing.contains(activity.id)) return Failed("media.broken", "cannot decode");
    if (activity.type == "media.MakeMp4") {
      mp4 = Parse<v1::MakeMp4Input>(activity.input);
      v1::ExtractPartResult made;
      made.set_key(mp4.object_prefix() + "/download.mp4");
      return Success(made);
    }
    if (activity.type == "media.Probe") return Success(media);
    if (activity.type == "media.Plan") {
      const auto plan = ladder::MakePlan(media, Parse<v1::PlanInput>(activity.input).ladder());
      if (!plan.ok()) return Failed("media.broken", Message(plan.status()));
      v1::PlanResult result;
      *result.mutable_media() = media;
      *result.mutable_plan() = *plan;
      return Success(result);
    }
    if (activity.type == "media.EncodeChunk") {
      const auto input = Parse<v1::EncodeChunkInput>(activity.input);
      v1::EncodeChunkResult result;
      *result.mutable_segments() = Segments(input.track().name(), input.chunk().first_segment(), input.chunk().segment_count());
      encoded.push_back(activity.id);
      return Success(result);
    }
    if (activity.type == "media.EncodeGroup") {
      const auto input = Parse<v1::EncodeGroupInput>(activity.input);
      v1::EncodeChunkResult result;
      *result.mutable_segments() = Segments(activity.item, input.chunk().first_segment(), input.chunk().segment_count());
      encoded.push_back(activity.id);
      return Success(result);
    }
    if (activity.type == "media.EncodeAudio") {
      const auto input = Parse<v1::EncodeAudioInput>(activity.input);
      v1::EncodeAudioResult result;
      *result.mutable_segments() = Segments(input.track().name(), 0, input.track().segments_total());
      if (input.packed()) *result.mutable_segments() = layout::Pack(std::move(*result.mutable_segments()));
      encoded.push_back(activity.id);
      return Success(result);
    }
    if (activity.type == "media.PublishTrack") {
      v1::PublishResult result;
      result.mutable_summary()->set_track(Parse<v1::PublishTrackInput>(activity.input).track().name());
      return Success(result);
    }
    if (activity.type == "media.ExtractPoster") {
      v1::ExtractPosterResult result;
      result.set_key("processed/v1/poster.jpg");
      return Success(result);
    }
    if (activity.type == "media.ExtractSubtitles") {
      v1::ExtractSubtitlesResult result;
      *result.add_captions() = Caption();
      result.add_warnings("Subtitle track 4 is empty.");
      return Success(result);
    }
    if (activity.type == "metadata.RecordStoryboard" || activity.type == "metadata.RecordPart") {
      parts.push_back(Parse<v1::RecordPartInput>(activity.input));
    }
    if (activity.type == "metadata.RecordCaptions") captions.push_back(Parse<v1::RecordCaptionsInput>(activity.input));
    if (activity.type == "media.PublishMasters") masters = Parse<v1::PublishMastersInput>(activity.input);
    if (activity.type == "metadata.RecordVideo") videos.push_back(Parse<v1::RecordVideoInput>(activity.input));
    if (activity.type == "metadata.RecordTrack") {
      const auto track = Parse<v1::RecordTrackInput>(activity.input);
      tracks[track.track()] = track;
    }
    if (activity.type == "metadata.RecordSegments") {
      const auto input = Parse<v1::RecordSegmentsInput>(activity.input);
      Record(input.segments());
      for (const auto& track : input.tracks()) Record(track);
    }
    if (activity.type.starts_with("metadata.")) return Success(v1::RecordResult());
    // Every other one makes a part.
    v1::ExtractPartResult result;
    result.set_key("processed/v1/" + activity.id + ".vtt");
    return Success(result);
  }
};

inline SimulatedRun Start(const v1::ProcessVideoInput& input) { return {AllWorkflows(), "ProcessVideo", ToPayload(input)}; }

// Cancelled while each of these activities is open: metadata is told, and the run ends.
inline void ExpectCancelIsTold(const v1::ProcessVideoInput& input, std::initializer_list<const char*> activities) {
  for (const char* at : activities) {
    World world;
    SimulatedRun run = Start(input);
    run.Work(std::ref(world), [&] { return run.Find(at) != nullptr; });
    ASSERT_NE(run.Find(at), nullptr) << at;
    run.Cancel();
    ASSERT_EQ(run.open().size(), 1u) << at;
    EXPECT_EQ(run.open()[0].id, "video/CANCELLED");
    run.Work(std::ref(world));
    EXPECT_EQ(run.close_type(), v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED) << at;
    EXPECT_EQ(world.videos.back().state(), "CANCELLED");
  }
}

inline media::v1::MediaInfo MediaWithSubtitles() {
  media::v1::MediaInfo media = Media();
  auto* subtitles = media.add_subtitles();
  subtitles->set_stream_index(2);
  subtitles->set_codec("subrip");
  subtitles->set_language("en");
  return media;
}

// Every activity but the storyboard is done; it is open.
inline void WorkAllButTheStoryboard(SimulatedRun& run, World& world) {
  const auto next = [&] {
    return std::find_if(run.open().begin(), run.open().end(), [](const SimulatedRun::Activity& a) { return a.id != "storyboard"; });
  };
  for (auto found = next(); found != run.open().end(); found = next()) {
    const SimulatedRun::Activity activity = *found;
    run.End(activity.id, world(activity));
  }
}

}  // namespace vora::workflows
