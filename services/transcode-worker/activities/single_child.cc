#include "services/transcode-worker/activities/single_child.h"

#include <chrono>

#include "services/transcode-worker/activities/failure.h"

namespace vora::transcode {

workflow::ActivityOutcome ToOutcome(const workflow::v1::Failure& failure) {
  workflow::ActivityOutcome outcome;
  outcome.failure = failure;
  return outcome;
}

ChildOutcome RunSingleChild(const WorkerContext& context, const workflow::ActivityExecution& execution, const ChildTask& task) {
  using Clock = std::chrono::steady_clock;
  ChildOutcome outcome;
  StatusOr<std::unique_ptr<SourceReader>> source = context.OpenSource(task.source_key, [&] { return execution.stopping(); });
  StatusOr<std::unique_ptr<ChildProcess>> child = Internal("not started");
  Status status = source.status();
  if (status.ok()) {
    ChildSpec spec = context.NewChild(task.role);
    if (!task.video_id.empty()) spec.labels.push_back("--video=" + task.video_id);
    child = ChildProcess::Spawn(spec);
    status = child.status();
  }
  if (status.ok()) status = (*child)->Send(MessageType::kJob, task.job);
  if (status.ok()) status = (*child)->Send(MessageType::kStart, std::to_string((*source)->size()));
  if (!status.ok()) {
    outcome.failure = FailureOf(status);
    return outcome;
  }
  Clock::time_point last_moved = Clock::now();
  ChildExit exit = (*child)->Run(
      [&](Message& message) -> Status {
        Status served;
        if (message.type == MessageType::kSegment && task.on_segment) {
          VORA_ASSIGN_OR_RETURN(media::EncodedSegment segment, UnpackSegment(message.payload));
          served = task.on_segment(std::move(segment));
        } else if (message.type == MessageType::kObject && task.on_object) {
          VORA_ASSIGN_OR_RETURN(PartObject object, UnpackObject(message.payload));
          served = task.on_object(std::move(object));
        } else {
          served = context.Serve(**child, **source, message);
        }
        // After the message was served, since that may have waited long for the store.
        last_moved = Clock::now();
        return served;
      },
      [&]() -> Status {
        if (execution.stopping()) return Cancelled("asked to stop");
        if (Clock::now() - last_moved <= context.options().child_timeout) return {};
        return DeadlineExceeded("The " + task.label + " made no progress for " +
                                std::to_string(context.options().child_timeout.count() / 1000) + " s.");
      });
  if (exit.ok()) {
    outcome.result = std::move(exit.result);
  } else {
    // A child that was killed because of a stop is no failure to be counted.
    outcome.failure = execution.stopping() ? FailureOf(exit, task.label) : context.JudgeChild(exit, task.label);
  }
  return outcome;
}

}  // namespace vora::transcode
