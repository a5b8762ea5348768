#pragma once

// Vora's workflow definitions. Histories of running workflows hold what these do, in order: a change that alters the commands of a run
// already begun makes it parked. Change them so that replay of the stored histories (testdata/) still passes, or give the new one another
// type.

#include "libs/workflow/definition/context.h"
#include "vora/workflow/v1/process_video.pb.h"

namespace vora::workflows {

// Probe, plan, encode every (rendition, chunk) and the audio, publish, and tell metadata about each step. A rendition that fails leaves the
// others alone; the video fails when no rendition is left or when its audio fails. What an earlier run finished (`done`) is not done again.
// Cancellation ends it at once, after telling metadata. With `import` the file is brought in first.
workflow::Task<workflow::WorkflowResult> ProcessVideo(workflow::WorkflowContext ctx, workflow::v1::ProcessVideoInput input);

// Deletes the objects under each prefix, twice with a pause, for writers that were still at it.
workflow::Task<workflow::WorkflowResult> DeleteVideo(workflow::WorkflowContext ctx, workflow::v1::DeleteVideoInput input);

// As `ProcessVideo`, also `ImportVideo`, and `DeleteVideo`.
workflow::Registry AllWorkflows();

}  // namespace vora::workflows
