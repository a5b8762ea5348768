#pragma once

// What code and history agreed on last, so that an operator sees where they part.

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "libs/workflow/definition/run_state_internal.h"

namespace vora::workflow {

// What tells an event from its neighbours.
struct EventSummary {
  int64_t id = 0;
  v1::EventType type{};
  std::string activity_type;
  std::string name;   // of an activity, a timer or a signal
  int64_t about = 0;  // the event that began what this one ends

  EventSummary() = default;
  explicit EventSummary(const Event& event);
  EventSummary(int64_t event_id, const IssuedCommand& command);
  // `ACTIVITY_TASK_SCHEDULED activity_type=media.Probe activity_id=probe`; at most 250 bytes.
  std::string Text() const;
};

class RecentEvents {
 public:
  void Add(EventSummary event);
  // Lines of at most 260 bytes, each after a line feed: the last three, then what history has as event `id` and what the code did instead.
  // Of the two an empty one has no line.
  std::string Compare(int64_t id, std::string_view history, std::string_view code) const;

 private:
  std::array<EventSummary, 3> last_;  // the oldest first
};

}  // namespace vora::workflow
