#pragma once

// What the engine tells of a run's trace: how long its tasks waited for a worker, its transitions, and the run itself.

#include <string>
#include <vector>

#include "libs/obs/span.h"
#include "libs/workflow/core/rows.h"

namespace vora::workflow {

// Of a task just claimed; nothing when its trace is not recorded.
void AddWaitSpan(const TaskRow& task, std::vector<obs::SpanRecord>& spans);
// Of a committed transition, from `start` to now, in the run's trace: several may have shared the commit.
void RecordTransitionSpan(const RunRow& run, SystemTime start);
// Of a run that has closed: from its start to its close.
void RecordRunSpan(const RunRow& run);

}  // namespace vora::workflow
