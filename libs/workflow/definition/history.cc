#include "libs/workflow/definition/history.h"

namespace vora::workflow {
namespace {
constexpr std::string_view kPrefix = "EVENT_TYPE_";
}

std::string EventTypeName(v1::EventType type) {
  const std::string& name = v1::EventType_Name(type);
  return name.starts_with(kPrefix) ? name.substr(kPrefix.size()) : name;
}

v1::EventType EventTypeFromName(std::string_view name) {
  v1::EventType type;
  if (v1::EventType_Parse(std::string(kPrefix) + std::string(name), &type)) return type;
  return v1::EVENT_TYPE_UNSPECIFIED;
}

bool IsCommandEvent(v1::EventType type) {
  switch (type) {
    case v1::EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
    case v1::EVENT_TYPE_ACTIVITY_TASK_CANCEL_REQUESTED:
    case v1::EVENT_TYPE_TIMER_STARTED:
    case v1::EVENT_TYPE_TIMER_CANCELED:
    case v1::EVENT_TYPE_WORKFLOW_EXECUTION_COMPLETED:
    case v1::EVENT_TYPE_WORKFLOW_EXECUTION_FAILED:
    case v1::EVENT_TYPE_WORKFLOW_EXECUTION_CANCELED:
      return true;
    default:
      return false;
  }
}

nlohmann::json FailureToJson(const v1::Failure& failure) {
  nlohmann::json json{{"code", failure.code()}, {"message", failure.message()}};
  if (failure.non_retryable()) json["non_retryable"] = true;
  if (!failure.details().empty()) json["details"] = failure.details();
  return json;
}

v1::Failure FailureFromJson(const nlohmann::json& json) {
  v1::Failure failure;
  failure.set_code(json.value("code", ""));
  failure.set_message(json.value("message", ""));
  failure.set_non_retryable(json.value("non_retryable", false));
  failure.set_details(json.value("details", ""));
  return failure;
}

v1::Failure MakeFailure(std::string code, std::string message, bool non_retryable) {
  v1::Failure failure;
  failure.set_code(std::move(code));
  failure.set_message(std::move(message));
  failure.set_non_retryable(non_retryable);
  return failure;
}

std::string ItemActivityId(const std::string& item, const std::string& activity_id) { return item + "/" + activity_id; }

std::string HistoryToJson(const std::vector<Event>& events) {
  auto array = nlohmann::json::array();
  for (const auto& event : events) {
    array.push_back({{"id", event.id}, {"type", EventTypeName(event.type)}, {"time_us", event.time_us}, {"attributes", event.attributes}});
  }
  return array.dump(1);
}

std::vector<Event> HistoryFromJson(std::string_view json) {
  std::vector<Event> events;
  for (const auto& item : nlohmann::json::parse(json)) {
    events.push_back({item.at("id").get<int64_t>(), EventTypeFromName(item.at("type").get<std::string>()),
                      item.at("time_us").get<int64_t>(), item.at("attributes")});
  }
  return events;
}

}  // namespace vora::workflow
