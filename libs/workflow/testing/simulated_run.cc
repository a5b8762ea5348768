#include "libs/workflow/testing/simulated_run.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace vora::workflow::testing {
namespace {

void Must(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", ToText(status).c_str());
  std::abort();
}

}  // namespace

SimulatedRun::SimulatedRun(Registry registry, const std::string& type, const std::string& input)
    : registry_(std::move(registry)), type_(type) {
  auto replayer = Replayer::Create(registry_, info());
  Must(replayer.status());
  replayer_ = std::move(replayer).value();
  Input(v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, {{"workflow_type", type}, {"input", input}});
}

void SimulatedRun::Input(v1::EventType type, nlohmann::json attributes) {
  const int64_t id = replayer_->history_length() + 1;
  history_.push_back({id, type, 1'700'000'000'000'000 + id * 1000, std::move(attributes)});
  Must(replayer_->Apply(history_.back()));
  std::vector<int64_t> canceled;
  for (auto& recorded : replayer_->TakeCommands()) {
    Command& command = recorded.command;
    history_.push_back({recorded.event_id, command.type, history_.back().time_us, command.attributes});
    const auto& a = command.attributes;
    if (command.type == v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) {
      open_.push_back({recorded.event_id, a.at("activity_type"), a.at("activity_id"), a.at("input"), command.options});
      scheduled_.push_back(open_.back().id);
    } else if (command.type == v1::EVENT_TYPE_TIMER_STARTED) {
      timers_.push_back(recorded.event_id);
    } else if (command.type == v1::EVENT_TYPE_TIMER_CANCELED) {
      std::erase(timers_, a.at("started_event_id").get<int64_t>());
    } else if (command.type == v1::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED) {
      canceled.push_back(a.at("scheduled_event_id"));
    }
  }
  // As the engine does with activities that no worker has.
  for (const int64_t event_id : canceled) {
    if (replayer_->closed()) break;
    std::erase_if(open_, [&](const Activity& activity) { return activity.event_id == event_id; });
    Input(v1::EVENT_TYPE_ACTIVITY_TASK_CANCELED, {{"scheduled_event_id", event_id}});
  }
  if (replayer_->closed()) open_.clear();
}

const SimulatedRun::Activity* SimulatedRun::Find(const std::string& id) const {
  for (const auto& activity : open_) {
    if (activity.id == id) return &activity;
  }
  return nullptr;
}

void SimulatedRun::End(const std::string& id, const ActivityResult& result) {
  const auto found = std::find_if(open_.begin(), open_.end(), [&](const Activity& activity) { return activity.id == id; });
  if (found == open_.end()) Must(NotFound("no activity " + id + " is waiting"));
  const Activity activity = *found;
  open_.erase(found);
  nlohmann::json attributes{
      {"scheduled_event_id", activity.event_id}, {"activity_type", activity.type}, {"activity_id", activity.id}, {"attempt", 1}};
  if (result.ok) {
    attributes["result"] = result.result;
  } else {
    attributes["failure"] = FailureToJson(result.failure);
  }
  Input(result.ok ? v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED : v1::EVENT_TYPE_ACTIVITY_TASK_FAILED, std::move(attributes));
}

void SimulatedRun::EndItems(const std::string& id, const std::vector<ItemResult>& results) {
  const auto found = std::find_if(open_.begin(), open_.end(), [&](const Activity& activity) { return activity.id == id; });
  if (found == open_.end()) Must(NotFound("no activity " + id + " is waiting"));
  auto* items = found->options.mutable_items();
  nlohmann::json attributes{{"scheduled_event_id", found->event_id},
                            {"activity_type", found->type},
                            {"activity_id", id},
                            {"attempt", 1},
                            {"items", nlohmann::json::array()}};
  for (const auto& [item_name, result] : results) {
    const std::string& name = item_name;  // a lambda may not hold the binding
    nlohmann::json one{{"name", name}, {"attempt", 1}};
    if (result.ok) {
      one["result"] = result.result;
    } else {
      one["failure"] = FailureToJson(result.failure);
    }
    attributes["items"].push_back(std::move(one));
    items->erase(std::remove_if(items->begin(), items->end(), [&](const auto& item) { return item.name() == name; }), items->end());
  }
  const bool all = items->empty();
  if (all) open_.erase(found);
  Input(all ? v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED : v1::EVENT_TYPE_ACTIVITY_TASK_ITEMS_ENDED, std::move(attributes));
}

void SimulatedRun::Cancel() { Input(v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED, nlohmann::json::object()); }

void SimulatedRun::FireTimers() {
  const auto due = std::exchange(timers_, {});
  for (const int64_t id : due) Input(v1::EVENT_TYPE_TIMER_FIRED, {{"started_event_id", id}});
}

void SimulatedRun::Work(const Handler& handler, const std::function<bool()>& until) {
  while (!open_.empty() && !(until && until())) {
    const auto next = std::max_element(open_.begin(), open_.end(), [](const Activity& a, const Activity& b) {
      return a.options.priority() < b.options.priority();  // the first of equals
    });
    const Activity activity = *next;
    std::vector<ItemResult> results;
    for (const auto& item : activity.options.items()) {
      Activity one = activity;
      one.item = item.name();
      one.id = ItemActivityId(item.name(), activity.id);
      results.push_back({item.name(), handler(one)});
    }
    if (results.empty()) {
      End(activity.id, handler(activity));
    } else {
      EndItems(activity.id, results);
    }
  }
}

ActivityResult Success(const google::protobuf::Message& result) { return {true, false, ToPayload(result), {}}; }
ActivityResult Failed(const std::string& code, const std::string& message) { return {false, false, {}, MakeFailure(code, message)}; }

}  // namespace vora::workflow::testing
