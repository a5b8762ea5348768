#pragma once

// Activities that need one child process over one source.

#include <functional>
#include <optional>
#include <string>

#include "libs/media/video/segment_encoder.h"
#include "libs/workflow/worker/activity_worker.h"
#include "services/transcode-worker/activities/worker_context.h"
#include "services/transcode-worker/pipe/message.h"

namespace vora::transcode {

struct ChildTask {
  std::string role;
  std::string label;  // how failures name it, e.g. "probe"
  std::string source_key;
  std::string video_id;
  std::string job;                                          // serialised input
  std::function<Status(media::EncodedSegment)> on_segment;  // null: the role sends none
  std::function<Status(PartObject)> on_object;              // null: the role sends none
};

// The payload of the child's result. Ends early, and kills the child, when the execution is asked to stop or nothing moves for too long.
struct ChildOutcome {
  std::optional<std::string> result;
  workflow::v1::Failure failure;
};
ChildOutcome RunSingleChild(const WorkerContext& context, const workflow::ActivityExecution& execution, const ChildTask& task);

// The outcome of a failure, as the activity worker takes it.
workflow::ActivityOutcome ToOutcome(const workflow::v1::Failure& failure);

}  // namespace vora::transcode
