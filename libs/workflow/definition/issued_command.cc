#include <algorithm>

#include "libs/workflow/definition/payload.h"
#include "libs/workflow/definition/run_state_internal.h"

namespace vora::workflow {
namespace {

bool Is(const Event& event, const char* key, const std::string& wanted) {
  const auto found = event.attributes.find(key);
  if (found == event.attributes.end()) return wanted.empty();
  return found->is_string() && found->get_ref<const std::string&>() == wanted;
}

bool HasItems(const Event& event, const v1::ActivityOptions& options) {
  const auto found = event.attributes.find("items");
  if (found == event.attributes.end()) return options.items().empty();
  return std::equal(found->begin(), found->end(), options.items().begin(), options.items().end(),
                    [](const auto& name, const auto& item) { return name == item.name(); });
}

}  // namespace

bool IssuedCommand::Matches(const Event& event) const {
  if (type != event.type) return false;
  if (type == v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED) {
    return Is(event, "activity_type", activity_type) && Is(event, "activity_id", id) && HasItems(event, options);
  }
  return type != v1::EVENT_TYPE_TIMER_STARTED || Is(event, "timer_id", id);
}

Command IssuedCommand::ToCommand() && {
  Command command;
  command.type = type;
  switch (type) {
    case v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
      command.attributes = {{"activity_type", std::move(activity_type)},
                            {"activity_id", std::move(id)},
                            {"queue", options.queue()},
                            {"input", input.message ? ToPayload(*input.message) : std::move(input.text)}};
      if (options.priority() != 0) command.attributes["priority"] = options.priority();
      if (options.second_attempt()) command.attributes["second_attempt"] = true;
      for (const auto& item : options.items()) command.attributes["items"].push_back(item.name());
      break;
    case v1::EVENT_TYPE_TIMER_STARTED:
      command.attributes = {{"timer_id", std::move(id)}, {"after_ms", after_ms}};
      break;
    case v1::EVENT_TYPE_TIMER_CANCELED:
      command.attributes = {{"started_event_id", target_event}};
      break;
    case v1::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
      command.attributes = {{"scheduled_event_id", target_event}};
      break;
    default:
      command.attributes = std::move(closing);
  }
  command.options = std::move(options);
  return command;
}

}  // namespace vora::workflow
