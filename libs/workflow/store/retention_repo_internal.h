#pragma once

// SQL of closed runs that leave after a while, of the months in which histories lie, and of what is known of runs that have left.

#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <utility>
#include <vector>

#include "libs/workflow/core/rows.h"

namespace vora::workflow::repo {

// The walk over closed runs, which replicas do in turn: where the next step of it begins, or nothing while it is not due. No other replica
// is given it before `at_most_us` are over, or PutWalk is called.
std::optional<std::string> TakeWalk(pqxx::transaction_base& tx, int64_t at_most_us);
void PutWalk(pqxx::transaction_base& tx, const std::string& after_run_id, int64_t due_in_us);

// Some runs in the order of their starts. `days`: how long closed ones stay; 0: for ever. Tenants may have their own.
struct WalkStep {
  std::vector<std::string> leaving;
  std::string last;  // the last that was looked at
  bool end = false;  // there are none after it that may be old enough
};
WalkStep LookForLeaving(pqxx::transaction_base& tx, const std::string& after_run_id, int64_t days, int limit);
// Deletes them with their histories and attempts, and remembers their ids; how many. Those that are open, locked or gone are left out.
int RemoveRuns(pqxx::transaction_base& tx, const std::vector<std::string>& run_ids);
// Forgets runs that left more than `days` ago, at most `limit`; how many. 0: none.
int ForgetPastRuns(pqxx::transaction_base& tx, int64_t days, int limit);

// Makes the months to come.
void MakeMonths(pqxx::transaction_base& tx);
// A table of a month that is over and whose runs have all left; nothing when there is none.
std::optional<std::string> FindEmptyMonth(pqxx::transaction_base& tx);
// Waits half a second for those who are using histories, and fails (ABORTED) when that is too little.
void DropMonth(pqxx::transaction_base& tx, const std::string& table);

// A run that has left: run_id, workflow_id, tenant, request_id, status and close_time_us are known.
// `run_id` empty: the newest one under the id.
std::optional<RunRow> FindPastRun(pqxx::transaction_base& tx, const std::string& workflow_id, const std::string& run_id);
// Of each pair of workflow id and request id: the run of that request, and the newest, where there is one.
std::vector<RunRow> PastRuns(pqxx::transaction_base& tx, const std::vector<std::pair<std::string, std::string>>& ids_and_requests);

}  // namespace vora::workflow::repo
