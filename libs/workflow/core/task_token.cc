#include "libs/workflow/core/task_token.h"

#include <charconv>

#include "libs/core/error.h"
#include "libs/core/ids.h"

namespace vora::workflow {

std::string TaskToken::Encode() const { return run_id + "." + std::to_string(event_id) + "." + std::to_string(lease); }

StatusOr<TaskToken> TaskToken::Decode(const std::string& text) {
  TaskToken token;
  const size_t second = text.rfind('.');
  const size_t first = second == std::string::npos || second == 0 ? std::string::npos : text.rfind('.', second - 1);
  if (first != std::string::npos) {
    token.run_id = text.substr(0, first);
    const auto number = [&](size_t begin, size_t end, int64_t& value) {
      const auto [ptr, error] = std::from_chars(text.data() + begin, text.data() + end, value);
      return error == std::errc() && ptr == text.data() + end;
    };
    const bool text_fits = text.find('\0') == std::string::npos;  // no text of PostgreSQL
    if (text_fits && number(first + 1, second, token.event_id) && number(second + 1, text.size(), token.lease)) return token;
  }
  return InvalidField("task_token", "not a token of this orchestrator");
}

Status StaleToken(const TaskToken& token) {
  return Aborted("task_token is stale: activity " + std::to_string(token.event_id) + " of run " + token.run_id +
                 " was given to another attempt, or has ended");
}

int64_t NewLease() {
  int64_t lease = 0;
  const std::string digits = RandomHex(7);
  std::from_chars(digits.data(), digits.data() + 13, lease, 16);
  return lease + 1;
}

}  // namespace vora::workflow
