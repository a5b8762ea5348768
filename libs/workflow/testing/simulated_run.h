#pragma once

// A run without engine, database or workers: the replayer plays the workflow, the test says how each activity ends. No retries: an outcome
// is the end of the activity, as the workflow sees it.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libs/workflow/definition/replayer.h"

namespace vora::workflow::testing {

class SimulatedRun {
 public:
  struct Activity {
    int64_t event_id = 0;
    std::string type, id, input;
    v1::ActivityOptions options;
    std::string item = {};  // of a group; `id` is then that of the item
  };
  using Handler = std::function<ActivityResult(const Activity&)>;

  // Starts it. Aborts when code and history do not agree, here and below.
  SimulatedRun(Registry registry, const std::string& type, const std::string& input);

  // Waiting, in order of scheduling.
  const std::vector<Activity>& open() const { return open_; }
  // nullptr: no such activity is waiting.
  const Activity* Find(const std::string& id) const;
  void End(const std::string& id, const ActivityResult& result);
  // Some items of a group; the group ends with its last.
  void EndItems(const std::string& id, const std::vector<ItemResult>& results);
  void Cancel();
  void FireTimers();
  // Ends waiting activities, highest priority first, then oldest, as `handler` says, until none is left (or `until` is true). It is asked
  // for each item of a group.
  void Work(const Handler& handler, const std::function<bool()>& until = nullptr);

  bool closed() const { return replayer_->closed(); }
  // How it closed: COMPLETED, FAILED, CANCELED; with the result or the failure.
  v1::EventType close_type() const { return history_.back().type; }
  std::string result() const { return history_.back().attributes.value("result", ""); }
  v1::Failure failure() const { return FailureFromJson(history_.back().attributes.value("failure", nlohmann::json::object())); }
  const std::vector<Event>& history() const { return history_; }
  // Ids of all activities ever scheduled, in order.
  const std::vector<std::string>& scheduled() const { return scheduled_; }
  RunInfo info() const { return {"w", "r", "default", type_}; }
  const Registry& registry() const { return registry_; }

 private:
  void Input(v1::EventType type, nlohmann::json attributes);
  const Registry registry_;
  const std::string type_;
  std::unique_ptr<Replayer> replayer_;
  std::vector<Event> history_;
  std::vector<Activity> open_;
  std::vector<int64_t> timers_;
  std::vector<std::string> scheduled_;
};

ActivityResult Success(const google::protobuf::Message& result);
ActivityResult Failed(const std::string& code, const std::string& message = "failed by the test");

}  // namespace vora::workflow::testing
