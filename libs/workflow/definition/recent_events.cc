#include "libs/workflow/definition/recent_events.h"

#include <utility>

#include "libs/core/text.h"

namespace vora::workflow {
namespace {

constexpr size_t kMaxNameBytes = 80;

std::string TextAt(const Event& event, const char* key) {
  const auto found = event.attributes.find(key);
  return found != event.attributes.end() && found->is_string() ? found->get<std::string>() : "";
}

int64_t NumberAt(const Event& event, const char* key) {
  const auto found = event.attributes.find(key);
  return found != event.attributes.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

// Fit for one line.
std::string Short(const std::string& name) {
  std::string text = name;
  if (text.size() > kMaxNameBytes) {
    size_t end = kMaxNameBytes - 3;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // not inside a UTF-8 sequence
    text.resize(end);
    text += "...";
  }
  for (char& c : text) {
    if (IsControl(c)) c = '?';
  }
  return text;
}

const char* AboutKey(v1::EventType type) {
  return type == v1::EVENT_TYPE_TIMER_FIRED || type == v1::EVENT_TYPE_TIMER_CANCELED ? "started_event_id" : "scheduled_event_id";
}

const char* NameKey(v1::EventType type) {
  if (type == v1::EVENT_TYPE_TIMER_STARTED || type == v1::EVENT_TYPE_TIMER_FIRED) return "timer_id";
  return type == v1::EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED ? "name" : "activity_id";
}

std::string Line(const char* who, int64_t id, std::string_view what) {
  return "\n  " + std::string(who) + " " + std::to_string(id) + " " + std::string(what);
}

}  // namespace

EventSummary::EventSummary(const Event& event)
    : id(event.id),
      type(event.type),
      activity_type(TextAt(event, "activity_type")),
      name(TextAt(event, NameKey(event.type))),
      about(NumberAt(event, AboutKey(event.type))) {}

EventSummary::EventSummary(int64_t event_id, const IssuedCommand& command)
    : id(event_id), type(command.type), activity_type(command.activity_type), name(command.id), about(command.target_event) {}

std::string EventSummary::Text() const {
  std::string text = EventTypeName(type);
  if (!activity_type.empty()) text += " activity_type=" + Short(activity_type);
  if (!name.empty()) text += std::string(" ") + NameKey(type) + "=" + Short(name);
  if (about != 0) text += std::string(" ") + AboutKey(type) + "=" + std::to_string(about);
  return text;
}

void RecentEvents::Add(EventSummary event) {
  std::swap(last_[0], last_[1]);
  std::swap(last_[1], last_[2]);
  last_[2] = std::move(event);
}

std::string RecentEvents::Compare(int64_t id, std::string_view history, std::string_view code) const {
  std::string text;
  for (const auto& event : last_) {
    if (event.id != 0) text += Line("agreed ", event.id, event.Text());
  }
  if (!history.empty()) text += Line("history", id, history);
  if (!code.empty()) text += Line("code   ", id, code);
  return text;
}

}  // namespace vora::workflow
