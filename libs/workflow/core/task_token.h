#pragma once

// Names one attempt of one activity.

#include <string>

#include "libs/core/status.h"
#include "libs/workflow/core/rows.h"

namespace vora::workflow {

struct TaskToken {
  std::string run_id;
  int64_t event_id = 0;
  int64_t lease = 0;
  static TaskToken Of(const TaskRow& task) { return {task.run_id, task.scheduled_event_id, task.lease}; }
  std::string Encode() const;
  // INVALID_ARGUMENT when it is not one of ours.
  static StatusOr<TaskToken> Decode(const std::string& token);
  TaskKey key() const { return {run_id, event_id}; }
};

// ABORTED: another attempt has the task, or it has ended.
Status StaleToken(const TaskToken& token);

// A number for a claim, drawn by lot: a counter would give the same one again after a failover that lost the commit. 52 bits, so that
// JSON readers with doubles keep it exact.
int64_t NewLease();

}  // namespace vora::workflow
