#pragma once

// How the renditions are encoded, chunk by chunk.

#include <vector>

#include "services/orchestrator/workflows/job.h"

namespace vora::workflows {

// All tracks to their end, each told to metadata; gives how each ended, in the order of the plan. `all` is the scope of the whole video,
// which ends with a track that it needs.

// Runs from before groups: every rendition of every chunk is an activity, and all of them are scheduled at once.
workflow::Task<std::vector<workflow::v1::Failure>> MakeTracksAlone(workflow::WorkflowContext all, Job& job);
// A chunk is a group with an item for each rendition, and some chunks are under way at a time.
workflow::Task<std::vector<workflow::v1::Failure>> MakeTracksInGroups(workflow::WorkflowContext all, Job& job);

}  // namespace vora::workflows
