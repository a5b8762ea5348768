#pragma once

// SQL of runs, their history and their timers. Every function runs inside the caller's transaction; pqxx exceptions pass through (libs/pg
// maps them). Lock order, everywhere: runs by run_id, then tasks by key.

#include <optional>
#include <pqxx/pqxx>
#include <string>
#include <vector>

#include "libs/workflow/core/rows.h"
#include "libs/workflow/definition/context.h"

namespace vora::workflow::repo {

struct Clock {
  int64_t now_us = 0;       // the database's
  bool restricted = false;  // see RunRow
};
// At least one, until the transaction ends; serialises starts. In one order, whoever asks. The time is that when all are locked.
Clock LockWorkflowIds(pqxx::transaction_base& tx, const std::vector<std::string>& workflow_ids);
// Locked. `skip_locked` leaves out those that another transaction holds.
std::vector<RunRow> LockRuns(pqxx::transaction_base& tx, const std::vector<std::string>& run_ids, bool skip_locked);
// `run_id` empty: the newest run under the id.
std::optional<RunRow> FindRun(pqxx::transaction_base& tx, const std::string& workflow_id, const std::string& run_id);
// The same for many, each `{workflow_id, run_id}`, in one statement.
std::vector<std::optional<RunRow>> FindRuns(pqxx::transaction_base& tx, const std::vector<std::pair<std::string, std::string>>& asked);
// The newest run of each id that has one.
std::vector<RunRow> NewestRuns(pqxx::transaction_base& tx, const std::vector<std::string>& workflow_ids);
std::optional<RunRow> FindRunByRequest(pqxx::transaction_base& tx, const std::string& workflow_id, const std::string& request_id);
// Newest first, below `before_seq`; empty filters match all.
std::vector<RunRow> ListRuns(pqxx::transaction_base& tx, int64_t before_seq, int limit, const std::string& status, const std::string& type);
// The same of these, those that are there.
std::vector<RunRow> RunsOfIds(pqxx::transaction_base& tx, const std::vector<std::string>& run_ids, const std::string& status,
                              const std::string& type);

// What a replay needs of an open run. Reads only what the first schema had, since it is asked before an upgrade.
struct OpenRun {
  int64_t seq = 0;
  RunInfo info;
  bool parked = false;
};
// By seq, above `after_seq`. None where there is no schema yet.
std::vector<OpenRun> OpenRuns(pqxx::transaction_base& tx, int64_t after_seq, int limit);
// `inputs`: with the inputs of activities, which only people look at.
std::vector<Event> LoadHistory(pqxx::transaction_base& tx, const std::string& run_id, int64_t after, int limit, bool inputs);
std::vector<InboxRow> LoadInbox(pqxx::transaction_base& tx, const std::string& run_id);
// True when history or inbox hold the end of this activity under this lease (a repeated report of one that was taken).
bool WasTaken(pqxx::transaction_base& tx, const TaskKey& key, int64_t lease);
bool HasSignal(pqxx::transaction_base& tx, const std::string& run_id, const std::string& request_id);
bool HasTimer(pqxx::transaction_base& tx, const TaskKey& key);
// Attempts that did not succeed, oldest first.
std::vector<AttemptRow> LoadAttempts(pqxx::transaction_base& tx, const std::string& run_id, int limit);

}  // namespace vora::workflow::repo
