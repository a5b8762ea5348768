#include "libs/workflow/core/group_rules.h"

#include <algorithm>

#include "libs/workflow/core/run_unit.h"
#include "libs/workflow/definition/payload.h"
#include "libs/workflow/definition/retry_policy.h"

namespace vora::workflow {
namespace {

// What is left of a group after an attempt, and the outcomes of what is not.
class Split {
 public:
  Split(RunUnit& unit, const TaskRow& task) : unit_(unit), task_(task) { (void)FromPayload(task.retry, policy_); }

  void Succeed(const ItemRow& item, const std::string& result) { Add(item, "result", result); }
  void Keep(ItemRow item) { kept.push_back(std::move(item)); }
  void Fail(ItemRow item, const v1::Failure& failure, std::optional<int64_t> asked_delay_us) {
    const int64_t now = unit_.run().now_us;
    auto next = NextAttemptDelay(policy_, item.failures + 1, failure, now, task_.schedule_to_close_deadline_us, asked_delay_us);
    // One that is under way already needs no leave of the policy.
    if (task_.has_second()) next = 0;
    if (!next) return Add(item, "failure", FailureToJson(failure));
    ++item.failures;
    item.last_failure = FailureToJson(failure).dump();
    failed = true;
    delay_us = std::max(delay_us, *next);
    Keep(std::move(item));
  }

  std::vector<ItemRow> kept;
  nlohmann::json ended = nlohmann::json::array();
  bool failed = false;  // one of those that are kept
  int64_t delay_us = 0;

 private:
  void Add(const ItemRow& item, const char* key, nlohmann::json value) {
    ended.push_back({{"name", item.name}, {"attempt", AttemptOf(task_, item)}, {key, std::move(value)}});
  }

  RunUnit& unit_;
  const TaskRow& task_;
  v1::RetryPolicy policy_;
};

void KeepOnly(TaskRow& task, std::vector<ItemRow> kept) {
  for (const auto& item : task.items) task.estimated_cost -= item.estimated_cost;
  task.items = std::move(kept);
  for (const auto& item : task.items) task.estimated_cost += item.estimated_cost;
}

// What is left goes back into the queue before the run hears of the rest, as it may then cancel it.
// `timeout_type`: the engine has ended the attempt, and its worker has said nothing.
void TryAgain(RunUnit& unit, TaskRow& task, Split split, const char* timeout_type = nullptr) {
  Event ended{0, v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED, 0, EndAttributes(task)};
  KeepOnly(task, std::move(split.kept));
  if (split.failed) ++task.attempt;
  if (!timeout_type) task.last_reported_lease = task.lease;
  GoOn(unit, task, unit.run().now_us + split.delay_us);
  if (split.ended.empty()) return;
  ended.attributes["items"] = std::move(split.ended);
  if (timeout_type) ended.attributes["timeout_type"] = timeout_type;
  unit.Accept(std::move(ended));
}

}  // namespace

std::string ItemsToJson(const std::vector<ItemRow>& items) {
  if (items.empty()) return "";
  auto json = nlohmann::json::array();
  for (const auto& item : items) {
    nlohmann::json one{{"name", item.name}, {"estimated_cost", item.estimated_cost}, {"failures", item.failures}};
    if (!item.last_failure.empty()) one["last_failure"] = item.last_failure;
    json.push_back(std::move(one));
  }
  return json.dump();
}

std::vector<ItemRow> ItemsFromJson(const std::string& json) {
  std::vector<ItemRow> items;
  if (json.empty()) return items;
  for (const auto& one : nlohmann::json::parse(json)) {
    items.push_back(
        {one.at("name").get<std::string>(), one.value("estimated_cost", 0.0), one.value("failures", 0), one.value("last_failure", "")});
  }
  return items;
}

int AttemptOf(const TaskRow& task, const ItemRow& item) { return item.failures + task.losses + 1; }

bool EndItems(RunUnit& unit, TaskRow& task, const std::map<std::string, v1::ItemOutcome>& outcomes, bool second) {
  if (task.cancel_requested) {
    EndCanceled(unit, task);
    return false;
  }
  Split split(unit, task);
  for (const auto& item : task.items) {
    const auto found = outcomes.find(item.name);
    const auto kind = found == outcomes.end() ? v1::ItemOutcome::OUTCOME_NOT_SET : found->second.outcome_case();
    switch (kind) {
      case v1::ItemOutcome::kResult:
        split.Succeed(item, found->second.result());
        break;
      case v1::ItemOutcome::kReleased:
        split.Keep(item);
        break;
      case v1::ItemOutcome::kFailure:
      case v1::ItemOutcome::OUTCOME_NOT_SET:
        const auto failure = kind == v1::ItemOutcome::kFailure
                                 ? found->second.failure()
                                 : MakeFailure("worker.item_missing", "the worker did not say how the item ended");
        RememberAttempt(unit, task, item, second ? "SECOND_FAILED" : "FAILED", failure);
        second ? split.Keep(item) : split.Fail(item, failure, {});
    }
  }
  if (!split.kept.empty()) {
    TryAgain(unit, task, std::move(split));
    return true;
  }
  auto attributes = EndAttributes(task);
  attributes["items"] = std::move(split.ended);
  EndForGood(unit, task);
  unit.Accept({0, v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, 0, std::move(attributes)});
  return false;
}

void EndItemsEarly(RunUnit& unit, TaskRow& task, const std::map<std::string, v1::ItemOutcome>& outcomes) {
  Split split(unit, task);
  bool all = true;
  for (const auto& item : task.items) {
    const auto found = outcomes.find(item.name);
    if (found != outcomes.end() && found->second.has_result()) {
      split.Succeed(item, found->second.result());
    } else {
      split.Keep(item);
      all = false;
    }
  }
  if (all) return (void)EndItems(unit, task, outcomes, /*second=*/false);
  if (split.ended.empty()) return;  // told before
  Event ended{0, v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED, 0, EndAttributes(task)};
  ended.attributes["goes_on"] = true;
  ended.attributes["items"] = std::move(split.ended);
  KeepOnly(task, std::move(split.kept));
  unit.Touch(task);
  // A run that goes on without the rest asks its worker to stop.
  unit.Accept(std::move(ended));
}

bool FailItems(RunUnit& unit, TaskRow& task, const AttemptEnd& end) {
  Split split(unit, task);
  if (!end.final) {
    for (const auto& item : task.items) split.Fail(item, end.failure, end.next_retry_delay_us);
  }
  if (!split.kept.empty()) {
    TryAgain(unit, task, std::move(split), end.timeout_type);
    return true;
  }
  EndFailed(unit, task, end);
  return false;
}

}  // namespace vora::workflow
