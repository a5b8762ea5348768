#pragma once

// The renditions of one chunk: one decoder child feeds an encoder child for each.

#include <memory>
#include <vector>

#include "libs/workflow/worker/activity_worker.h"
#include "services/transcode-worker/activities/worker_context.h"

namespace vora::transcode {

// Handles media.EncodeGroup, or one media.EncodeChunk; returns when each has ended. A fault of one encoder fails that rendition only, a
// fault of the decoder fails those not finished yet.
void RunEncodeGroup(const WorkerContext& context, std::vector<std::shared_ptr<workflow::ActivityExecution>> executions);

}  // namespace vora::transcode
