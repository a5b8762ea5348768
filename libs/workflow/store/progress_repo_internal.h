#pragma once

// SQL of what is under way, over all runs. Rules as in run_repo_internal.h.

#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "libs/workflow/core/rows.h"

namespace vora::workflow::repo {

// Tasks that run, and at most `waiting` of those that wait for another attempt, the last to come to an end first. Of each only what
// core/progress_sums.h reads.
std::vector<TaskRow> TasksUnderWay(pqxx::transaction_base& tx, int waiting);
// Those of them that are closed: run_id, workflow_id, status and failure.
std::vector<RunRow> ClosedRuns(pqxx::transaction_base& tx, const std::vector<std::string>& run_ids);

}  // namespace vora::workflow::repo
