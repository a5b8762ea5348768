#pragma once

// Server-sent events (WHATWG HTML, section 9.2.6), fed piecewise.

#include <functional>
#include <string>
#include <string_view>

namespace vora::cli {

struct SseEvent {
  std::string id, event, data;
};

class SseParser {
 public:
  // Calls `on_event` for each complete event; stops and returns false once it does.
  bool Feed(std::string_view bytes, const std::function<bool(const SseEvent&)>& on_event);

 private:
  void TakeLine(std::string_view line);
  std::string line_;
  SseEvent event_;
  bool has_data_ = false;
};

}  // namespace vora::cli
