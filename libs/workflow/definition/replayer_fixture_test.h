#pragma once

// The engine played by hand: every input is an event, every command becomes one.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "libs/testing/status_matchers.h"
#include "libs/workflow/definition/replayer.h"
#include "libs/workflow/testing/script_workflow.h"

namespace vora::workflow {

class Play {
 public:
  explicit Play(const std::string& steps, const Registry& registry = Scripts())
      : registry_(registry), replayer_(std::move(Replayer::Create(registry, Info()).value())) {
    Input(v1::EVENT_TYPE_WORKFLOW_EXECUTION_STARTED, {{"input", "{\"steps\": [" + steps + "]}"}});
  }
  static RunInfo Info() { return {"w", "r", "default", "Script"}; }
  static const Registry& Scripts() {
    static const Registry registry = testing::ScriptRegistry();
    return registry;
  }

  std::vector<std::string> Input(v1::EventType type, nlohmann::json attributes) {
    Event event{replayer_->history_length() + 1, type, 1000 * (replayer_->history_length() + 1), std::move(attributes)};
    const Status status = replayer_->Apply(event);
    EXPECT_THAT(status, IsOk());
    history_.push_back(std::move(event));
    std::vector<std::string> issued;
    for (auto& recorded : replayer_->TakeCommands()) {
      issued.push_back(Short(recorded));
      history_.push_back({recorded.event_id, recorded.command.type, 0, recorded.command.attributes});
    }
    issued_ = issued;
    return issued;
  }
  std::vector<std::string> CompleteActivity(int64_t scheduled, const std::string& result = "") {
    return Input(v1::EVENT_TYPE_ACTIVITY_TASK_COMPLETED, {{"scheduled_event_id", scheduled}, {"result", result}});
  }
  std::vector<std::string> FailActivity(int64_t scheduled) {
    return Input(v1::EVENT_TYPE_ACTIVITY_TASK_FAILED, {{"scheduled_event_id", scheduled}, {"failure", {{"code", "x"}}}});
  }
  std::vector<std::string> Cancel() { return Input(v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCEL_REQUESTED, nlohmann::json::object()); }

  static std::string Short(const RecordedCommand& recorded) {
    const auto& a = recorded.command.attributes;
    std::string text = EventTypeName(recorded.command.type);
    if (a.contains("activity_id")) text += " " + a["activity_id"].get<std::string>();
    if (a.contains("scheduled_event_id")) text += " " + a["scheduled_event_id"].dump();
    if (a.contains("started_event_id")) text += " " + a["started_event_id"].dump();
    if (a.contains("result")) text += " " + a["result"].get<std::string>();
    return text;
  }
  const std::vector<Event>& history() const { return history_; }
  const std::vector<std::string>& issued() const { return issued_; }
  bool closed() const { return replayer_->closed(); }

 private:
  const Registry& registry_;
  std::unique_ptr<Replayer> replayer_;
  std::vector<Event> history_;
  std::vector<std::string> issued_;
};

// What the code issues after each beginning of a history is what the history goes on with.
inline void ExpectEveryPrefixReplays(const Registry& registry, const std::vector<Event>& history) {
  for (size_t length = 1; length <= history.size(); ++length) {
    auto replayer = Replayer::Create(registry, Play::Info()).value();
    for (size_t i = 0; i < length; ++i) ASSERT_THAT(replayer->Apply(history[i]), IsOk()) << length;
    size_t next = length;
    for (const auto& recorded : replayer->TakeCommands()) {
      ASSERT_LT(next, history.size());
      EXPECT_EQ(recorded.command.attributes, history[next].attributes);
      ++next;
    }
    EXPECT_TRUE(next == history.size() || !IsCommandEvent(history[next].type)) << length;
  }
  EXPECT_THAT(CheckReplay(registry, Play::Info(), HistoryFromJson(HistoryToJson(history))), IsOk());
}

}  // namespace vora::workflow
