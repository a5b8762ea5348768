#pragma once

// A claimed group as its handler sees it: an execution for each item, which all share one lease and one report.

#include <memory>
#include <string>
#include <vector>

#include "libs/workflow/worker/activity_execution_internal.h"
#include "libs/workflow/worker/activity_worker.h"

namespace vora::workflow {

// One for each item of the group, in order. The report is sent when the last of them has ended: what failed or was released is tried
// again without the rest.
std::vector<std::shared_ptr<ActivityExecution>> ExecutionsOfItems(std::shared_ptr<ClaimedTask> claimed);

}  // namespace vora::workflow
