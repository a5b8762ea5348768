#pragma once

// What there is beside the tracks: captions, the parts of a table, and the file to download. Without any of them a video is whole all the
// same, so what goes wrong with them becomes a warning of the video.

#include <vector>

#include "libs/workflow/definition/context.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::workflows {

// Both work in scope `scope` and tell metadata in scope `video`; when `scope` alone is cancelled, that it took too long. The references
// live as long as the tasks. Of parts one task for each that this run makes.
std::vector<workflow::Task<workflow::v1::Failure>> MakeParts(workflow::WorkflowContext video, workflow::WorkflowContext scope,
                                                             const workflow::v1::ProcessVideoInput& input,
                                                             const media::v1::MediaInfo& media);
// `captions` gets those published, by this run or an earlier one.
workflow::Task<workflow::v1::Failure> MakeCaptions(workflow::WorkflowContext video, workflow::WorkflowContext scope,
                                                   const workflow::v1::ProcessVideoInput& input, const media::v1::MediaInfo& media,
                                                   std::vector<media::v1::Caption>& captions);

// The file to download, where the ladder asks for one: of the largest rendition and the sound, which have ended with `failures`, as the
// tracks of `plan`.
workflow::Task<workflow::v1::Failure> MakeMp4(workflow::WorkflowContext video, const workflow::v1::ProcessVideoInput& input,
                                              const media::v1::MediaInfo& media, const media::v1::Plan& plan,
                                              const std::vector<workflow::v1::Failure>& failures);

}  // namespace vora::workflows
