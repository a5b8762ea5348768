#include <algorithm>
#include <limits>

#include "libs/core/time.h"
#include "libs/core/whole_file.h"
#include "libs/log/log.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/engine/run_export_internal.h"
#include "libs/workflow/metrics.h"
#include "libs/workflow/store/retention_repo_internal.h"
#include "libs/workflow/store/run_repo_internal.h"

namespace vora::workflow {
namespace {

// Runs that one step of the walk looks at, and how many of them leave in one transaction.
constexpr int kLookAt = 1000;
constexpr size_t kLeaveTogether = 50;
constexpr int kForgetTogether = 1000;
// A replica that dies in a step holds up the walk for no longer.
constexpr std::chrono::microseconds kStepAtMost = std::chrono::minutes(10);
constexpr int kAll = std::numeric_limits<int>::max();

}  // namespace

// Nobody is kept waiting for a lock on the histories: what cannot be had at once is tried again with the next walk.
void Engine::Impl::LookAfterMonths() {
  const Status made = db.Transact([](pqxx::work& tx) -> Status {
    repo::MakeMonths(tx);
    return {};
  });
  if (!made.ok()) log::Warn("the months to come could not be made", {{"error", ToText(made)}});
  while (true) {
    const auto empty = Read([](pqxx::nontransaction& tx) -> StatusOr<std::optional<std::string>> { return repo::FindEmptyMonth(tx); });
    if (!empty.ok() || !*empty) return;
    const Status dropped = db.Transact([&](pqxx::work& tx) -> Status {
      repo::DropMonth(tx, **empty);
      return {};
    });
    if (!dropped.ok()) return log::Warn("an empty month could not be dropped", {{"table", **empty}, {"error", ToText(dropped)}});
    log::Info("a month whose runs have all left was dropped", {{"table", **empty}});
  }
}

Status Engine::Impl::Export(const RunRow& run) {
  std::vector<Event> history;
  std::vector<AttemptRow> attempts;
  VORA_RETURN_IF_ERROR(Read([&](pqxx::nontransaction& tx) -> Status {
    history = repo::LoadHistory(tx, run.run_id, 0, kAll, /*inputs=*/true);
    attempts = repo::LoadAttempts(tx, run.run_id, kAll);
    return {};
  }));
  return WriteWholeFile(retention.export_folder + "/" + ExportName(run), ExportText(run, history, attempts));
}

// A closed run does not change any more, so nothing is locked while it is written.
StatusOr<std::vector<std::string>> Engine::Impl::ExportAll(const std::vector<std::string>& run_ids) {
  VORA_ASSIGN_OR_RETURN(const auto runs, Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<RunRow>> {
                          return repo::LockRuns(tx, run_ids, /*skip_locked=*/true);
                        }));
  std::vector<std::string> exported;
  for (const auto& run : runs) {
    const Status written = Export(run);
    if (written.ok()) {
      exported.push_back(run.run_id);
      continue;
    }
    kExportFailures.In(metrics).Increment();
    log::Error("a closed workflow cannot be exported, and stays", {{"run_id", run.run_id}, {"error", ToText(written)}});
    // A full disk takes no other either.
    if (written.code() == StatusCode::kUnavailable) break;
  }
  return exported;
}

Status Engine::Impl::Leave(const std::vector<std::string>& run_ids) {
  for (size_t begin = 0; begin < run_ids.size(); begin += kLeaveTogether) {
    const auto first = run_ids.begin() + static_cast<std::ptrdiff_t>(begin);
    std::vector<std::string> some(first, first + static_cast<std::ptrdiff_t>(std::min(kLeaveTogether, run_ids.size() - begin)));
    const size_t wanted = some.size();
    if (!retention.export_folder.empty()) {
      VORA_ASSIGN_OR_RETURN(some, ExportAll(some));
    }
    if (some.empty()) return {};
    VORA_ASSIGN_OR_RETURN(const int left, db.Transact([&](pqxx::work& tx) -> StatusOr<int> { return repo::RemoveRuns(tx, some); }));
    kRunsLeft.In(metrics).Increment(left);
    if (some.size() < wanted) return {};
  }
  return {};
}

StatusOr<bool> Engine::LetOldRunsLeave(std::chrono::milliseconds pause) {
  VORA_ASSIGN_OR_RETURN(const auto after, impl_->Read([](pqxx::nontransaction& tx) -> StatusOr<std::optional<std::string>> {
    return repo::TakeWalk(tx, kStepAtMost.count());
  }));
  if (!after) return false;
  if (after->empty()) impl_->LookAfterMonths();
  VORA_ASSIGN_OR_RETURN(const auto step, impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<repo::WalkStep> {
    return repo::LookForLeaving(tx, *after, impl_->retention.days, kLookAt);
  }));
  VORA_RETURN_IF_ERROR(impl_->Leave(step.leaving));
  VORA_ASSIGN_OR_RETURN(const int forgotten, impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<int> {
    repo::ForgetWorkers(tx);
    return repo::ForgetPastRuns(tx, impl_->retention.id_days, kForgetTogether);
  }));
  const bool more = !step.end || forgotten == kForgetTogether;
  VORA_RETURN_IF_ERROR(impl_->Read([&](pqxx::nontransaction& tx) -> Status {
    repo::PutWalk(tx, step.end ? "" : step.last, more ? 0 : std::chrono::microseconds(pause).count());
    return {};
  }));
  return more;
}

Status Engine::Impl::NoRun(pqxx::transaction_base& tx, const std::string& workflow_id, const std::string& run_id) {
  const auto past = repo::FindPastRun(tx, workflow_id, run_id);
  if (!past) return NotFound("no workflow " + workflow_id + (run_id.empty() ? "" : " with run " + run_id));
  return NotFound("workflow " + workflow_id + " is not kept any more: its run " + past->run_id + " closed (" + past->status + ") at " +
                  FormatRfc3339Seconds(FromUnixMs(*past->close_time_us / 1000)) + ", and its retention time is over");
}

}  // namespace vora::workflow
