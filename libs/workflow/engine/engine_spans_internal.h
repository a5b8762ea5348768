#pragma once

// What the engine tells of a run's trace: how long its tasks waited for a worker, its transitions, and the run itself.

#include <string>
#include <vector>

#include "libs/obs/span.h"
#include "libs/workflow/store/engine_repo_internal.h"

namespace vora::workflow {

// Of a task just claimed; nothing when its trace is not recorded.
void AddWaitSpan(const repo::TaskRow& task, std::vector<obs::SpanRecord>& spans);
// Of a committed transition, from `start` to now. It belongs to the trace of the call that caused it, or to the run's when a timer did.
void RecordTransitionSpan(const repo::RunRow& run, SystemTime start);
// Of a run that has closed: from its start to its close.
void RecordRunSpan(const repo::RunRow& run);

}  // namespace vora::workflow
