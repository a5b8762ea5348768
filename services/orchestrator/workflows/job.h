#pragma once

// What the parts of one run of ProcessVideo share, and what they all do: tell metadata, encode the audio, publish a track.

#include <map>
#include <set>
#include <string>
#include <vector>

#include "libs/workflow/definition/context.h"
#include "services/orchestrator/workflows/done_ranges.h"
#include "services/orchestrator/workflows/done_segments.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::workflows {

// Lives in the frame of ProcessVideo.
struct Job {
  workflow::v1::ProcessVideoInput input;
  media::v1::MediaInfo media;
  media::v1::Plan plan;
  DoneSegments done;  // of runs from before groups
  DoneRanges done_ranges;
  std::set<std::string> finishing;                           // tracks that are whole
  std::map<std::string, media::v1::TrackSummary> summaries;  // of tracks that are published
  std::vector<media::v1::Caption> captions;
  bool player_parts_over = false;
  double cost = 0;                                      // encode-seconds of all its tracks
  std::map<std::string, workflow::v1::Failure> failed;  // tracks, for good
  explicit Job(workflow::v1::ProcessVideoInput in) : input(std::move(in)), done(input.done()), done_ranges(input.done_ranges()) {}
  bool in_groups() const;
};

// Without this track there is no video: of a kind that is needed the first, as of several sounds it is the one that is heard unasked.
bool IsNeeded(const media::v1::Plan& plan, const media::v1::TrackPlan& track);

// A part ends with a Failure, whose empty code is success.
workflow::v1::Failure FailureOf(const std::string& code, const std::string& message);
// The first failure that is not just the echo of another (a cancelled chunk of the same track).
workflow::v1::Failure Worst(const std::vector<workflow::v1::Failure>& failures);

// Encode-seconds on one core, for queue metrics and scaling: about half of real time for 1080p30.
double ChunkCost(const media::v1::TrackPlan& track, const media::v1::ChunkPlan& chunk);
double PlanCost(const media::v1::MediaInfo& media, const media::v1::Plan& plan);

workflow::Task<workflow::v1::Failure> RecordTrack(workflow::WorkflowContext ctx, const Job& job, std::string track, std::string state,
                                                  workflow::v1::Failure reason);
workflow::Task<workflow::v1::Failure> RecordSegments(workflow::WorkflowContext ctx, const Job& job, std::string id,
                                                     media::v1::TrackSegments segments);
workflow::Task<workflow::v1::Failure> EncodeAudio(workflow::WorkflowContext ctx, Job& job, const media::v1::TrackPlan& track);
workflow::Task<workflow::v1::Failure> PublishTrack(workflow::WorkflowContext ctx, Job& job, const media::v1::TrackPlan& track);
// What follows the encoding of a track, which ended with `failure`: published or given up, and told to metadata. `all` is the scope of the
// whole video, which ends with a track that it needs.
workflow::Task<workflow::v1::Failure> FinishTrack(workflow::WorkflowContext all, Job& job, const media::v1::TrackPlan& track,
                                                  workflow::v1::Failure failure);

}  // namespace vora::workflows
