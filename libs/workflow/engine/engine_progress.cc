#include "libs/workflow/core/progress_sums.h"
#include "libs/workflow/engine/engine_internal.h"
#include "libs/workflow/engine/run_views_internal.h"
#include "libs/workflow/store/progress_repo_internal.h"

namespace vora::workflow {
namespace {

constexpr int kMaxWaiting = 1000;

}  // namespace

StatusOr<std::map<std::string, v1::RunProgress>> Engine::ReadProgress() {
  VORA_ASSIGN_OR_RETURN(auto tasks, impl_->Read([](pqxx::nontransaction& tx) -> StatusOr<std::vector<TaskRow>> {
    return repo::TasksUnderWay(tx, kMaxWaiting);
  }));
  return SumProgress(std::move(tasks));
}

StatusOr<std::vector<v1::RunProgress>> Engine::ReadClosed(const std::vector<std::string>& run_ids) {
  VORA_ASSIGN_OR_RETURN(const auto runs, impl_->Read([&](pqxx::nontransaction& tx) -> StatusOr<std::vector<RunRow>> {
    return repo::ClosedRuns(tx, run_ids);
  }));
  std::vector<v1::RunProgress> closed;
  for (const auto& run : runs) {
    const v1::WorkflowInfo info = ToWorkflowInfo(run);
    v1::RunProgress& told = closed.emplace_back();
    told.set_workflow_id(info.workflow_id());
    told.set_run_id(info.run_id());
    told.set_status(info.status());
    *told.mutable_failure() = info.failure();
    told.mutable_failure()->clear_details();
  }
  return closed;
}

}  // namespace vora::workflow
