#include "services/cli/sse.h"

namespace vora::cli {

void SseParser::TakeLine(std::string_view line) {
  const size_t colon = line.find(':');
  if (colon == 0) return;  // a comment
  const std::string_view name = line.substr(0, colon);
  std::string_view value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (name == "data") {
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  } else if (name == "id") {
    event_.id = value;
  } else if (name == "event") {
    event_.event = value;
  }
}

bool SseParser::Feed(std::string_view bytes, const std::function<bool(const SseEvent&)>& on_event) {
  for (const char c : bytes) {
    if (c != '\n') {
      line_ += c;
      continue;
    }
    if (line_.ends_with('\r')) line_.pop_back();
    if (!line_.empty()) {
      TakeLine(line_);
    } else if (has_data_) {
      const SseEvent event = std::move(event_);
      // The id stays for the events that follow, the type does not.
      event_ = SseEvent{.id = event.id, .event = {}, .data = {}};
      has_data_ = false;
      line_.clear();
      if (!on_event(event)) return false;
    } else {
      event_.event.clear();  // an event without data is none, and its type not that of the next
    }
    line_.clear();
  }
  return true;
}

}  // namespace vora::cli
