#pragma once

// SQL of tasks, without claims. Rules as in run_repo_internal.h.

#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "libs/workflow/core/rows.h"

namespace vora::workflow::repo {

// Locked, without inputs and checkpoints; those that are not there are left out.
std::vector<TaskRow> LockTasks(pqxx::transaction_base& tx, const std::vector<TaskKey>& keys);
std::vector<TaskRow> LockTasksOfRun(pqxx::transaction_base& tx, const std::string& run_id);
// With input and checkpoint; nothing when nobody works on it.
std::optional<TaskRow> StartedTask(pqxx::transaction_base& tx, const TaskKey& key);
// Without inputs and checkpoints.
std::vector<TaskRow> TasksOfRun(pqxx::transaction_base& tx, const std::string& run_id);

}  // namespace vora::workflow::repo
