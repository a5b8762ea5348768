#pragma once

// What players show beside the picture: the pictures of the seek bar, and captions. Without either a video is whole all the same, so what
// goes wrong with them becomes a warning of the video.

#include <vector>

#include "libs/workflow/definition/context.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::workflows {

// Both work in scope `part` and tell metadata in scope `video`; when `part` alone is cancelled, that it took too long. The references live
// as long as the task.
workflow::Task<workflow::v1::Failure> MakeStoryboard(workflow::WorkflowContext video, workflow::WorkflowContext part,
                                                     const workflow::v1::ProcessVideoInput& input, const media::v1::MediaInfo& media);
// `captions` gets those published, by this run or an earlier one.
workflow::Task<workflow::v1::Failure> MakeCaptions(workflow::WorkflowContext video, workflow::WorkflowContext part,
                                                   const workflow::v1::ProcessVideoInput& input, const media::v1::MediaInfo& media,
                                                   std::vector<media::v1::Caption>& captions);

}  // namespace vora::workflows
