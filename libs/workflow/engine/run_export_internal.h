#pragma once

// A run as a file, for those who want to keep more of it than its ids.

#include <string>
#include <vector>

#include "libs/core/status.h"
#include "libs/workflow/core/rows.h"

namespace vora::workflow {

// `2026-11/{run_id}.json`, by the month of its start.
std::string ExportName(const RunRow& run);
// One JSON object: `workflow` and `failedAttempts` as DescribeWorkflow gives them, `history` in the form of stored replay tests.
std::string ExportText(const RunRow& run, const std::vector<Event>& history, const std::vector<AttemptRow>& attempts);

}  // namespace vora::workflow
