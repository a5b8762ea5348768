#pragma once

// What the activities have in common that run one role of a child over the source which their input names.

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "libs/workflow/definition/payload.h"
#include "services/transcode-worker/activities/failure.h"
#include "services/transcode-worker/activities/single_child.h"

namespace vora::transcode {

// Reads the activity's input; when that fails, the outcome that ends it.
template <typename Input>
std::optional<workflow::ActivityOutcome> ReadInput(const workflow::ActivityExecution& execution, Input* input) {
  const Status parsed = workflow::FromPayload(execution.task().input(), *input);
  if (parsed.ok()) return std::nullopt;
  return ToOutcome(FailureOf(parsed));
}

// What `role` is asked with the input as its job. `label` is how failures name it.
template <typename Input>
ChildTask TaskOf(const std::string& role, const std::string& label, const Input& input) {
  ChildTask task;
  task.role = role;
  task.label = label;
  task.source_key = input.source_key();
  if constexpr (requires { input.video_id(); }) task.video_id = input.video_id();
  task.job = input.SerializeAsString();
  return task;
}

template <typename Input>
ChildOutcome RunRole(const WorkerContext& context, const workflow::ActivityExecution& execution, const std::string& role,
                     const std::string& label, const Input& input, std::function<Status(media::EncodedSegment)> on_segment = nullptr) {
  ChildTask task = TaskOf(role, label, input);
  task.on_segment = std::move(on_segment);
  return RunSingleChild(context, execution, task);
}

}  // namespace vora::transcode
