#pragma once

// The first part of a run whose file lies elsewhere: one version of it is pinned, waited for until it stays as it is, and copied, or left
// where it lies.

#include "libs/workflow/definition/context.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::workflows {

// Sets `input.source_key`, and tells metadata. A file that changes while it is copied is pinned anew. What was begun of a copy is taken
// back when it is of no use: the file changed, the copy failed, or the run is cancelled meanwhile.
workflow::Task<workflow::v1::Failure> ImportFile(workflow::WorkflowContext ctx, workflow::v1::ProcessVideoInput& input);

}  // namespace vora::workflows
