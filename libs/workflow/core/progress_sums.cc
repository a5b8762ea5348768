#include "libs/workflow/core/progress_sums.h"

#include <algorithm>
#include <tuple>

#include "libs/core/text.h"
#include "libs/workflow/core/group_rules.h"

namespace vora::workflow {
namespace {

// By type and name.
using Sums = std::map<std::pair<std::string, std::string>, v1::ActivityProgress>;

void Add(const TaskRow& task, const std::string& activity_id, int attempt, double progress, const std::string& failure,
         v1::ActivityProgress& sum) {
  if (task.started) sum.set_running(sum.running() + 1);
  sum.set_progress(sum.progress() + std::clamp(progress, 0.0, 1.0) * task.progress_weight);
  if (attempt <= 1) return;
  auto* retried = sum.add_retried();
  retried->set_activity_id(activity_id);
  retried->set_attempt(attempt);
  if (failure.empty()) return;
  sum.set_failed(sum.failed() + 1);
  sum.set_failure(failure);  // as JSON, until all are added
}

void AddTask(const TaskRow& task, Sums& sums) {
  const auto sum_of = [&](const std::string& id) -> v1::ActivityProgress& {
    return sums[{task.activity_type, id.substr(0, id.find('/'))}];
  };
  if (task.items.empty()) {
    return Add(task, task.activity_id, task.attempt, task.progress, task.last_failure, sum_of(task.activity_id));
  }
  const auto progress = task.item_progress.empty() ? nlohmann::json::object() : nlohmann::json::parse(task.item_progress);
  for (const auto& item : task.items) {
    const std::string id = ItemActivityId(item.name, task.activity_id);
    Add(task, id, AttemptOf(task, item), progress.value(item.name, 0.0), item.last_failure.empty() ? task.last_failure : item.last_failure,
        sum_of(id));
  }
}

void Merge(v1::ActivityProgress sum, v1::ActivityProgress& rest) {
  rest.set_running(rest.running() + sum.running());
  rest.set_progress(rest.progress() + sum.progress());
  rest.set_failed(rest.failed() + sum.failed());
  if (!sum.failure().empty()) rest.set_failure(sum.failure());
  rest.mutable_retried()->MergeFrom(sum.retried());
}

void Finish(v1::ActivityProgress& sum) {
  auto& retried = *sum.mutable_retried();
  if (retried.size() > kMaxRetried) retried.DeleteSubrange(0, retried.size() - kMaxRetried);
  if (!sum.failure().empty()) {
    sum.set_failure(RepairUtf8(FailureFromJson(nlohmann::json::parse(sum.failure())).message(), kMaxFailureText));
  }
}

void WriteSums(const Sums& sums, v1::RunProgress& run) {
  const auto apart = static_cast<int>(sums.size()) > kMaxSums ? kMaxSums - 1 : kMaxSums;
  for (const auto& [key, sum] : sums) {
    if (run.activities_size() < apart) {
      v1::ActivityProgress& own = *run.add_activities() = sum;
      std::tie(*own.mutable_activity_type(), *own.mutable_name()) = key;
    } else {
      Merge(sum, run.activities_size() == apart ? *run.add_activities() : *run.mutable_activities(apart));
    }
  }
  for (auto& sum : *run.mutable_activities()) Finish(sum);
}

}  // namespace

std::map<std::string, v1::RunProgress> SumProgress(std::vector<TaskRow> tasks) {
  // As they were scheduled: doubles added in another order give another sum, and the last failure counts.
  std::sort(tasks.begin(), tasks.end(), [](const TaskRow& a, const TaskRow& b) {
    return std::tie(a.run_id, a.scheduled_event_id) < std::tie(b.run_id, b.scheduled_event_id);
  });
  std::map<std::string, v1::RunProgress> runs;
  for (auto task = tasks.begin(); task != tasks.end();) {
    v1::RunProgress& run = runs[task->run_id];
    run.set_run_id(task->run_id);
    run.set_workflow_id(task->workflow_id);
    run.set_status(v1::WORKFLOW_STATUS_RUNNING);
    Sums sums;
    for (; task != tasks.end() && task->run_id == run.run_id(); ++task) AddTask(*task, sums);
    WriteSums(sums, run);
  }
  return runs;
}

}  // namespace vora::workflow
