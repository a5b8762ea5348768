#include "libs/core/priority.h"

#include <charconv>
#include <string>

#include "libs/core/error.h"

namespace vora {

Status CheckPriority(int64_t priority) {
  if (priority >= -kMaxPriority && priority <= kMaxPriority) return {};
  const std::string limits = std::to_string(-kMaxPriority) + " to " + std::to_string(kMaxPriority);
  return InvalidField("priority", "must be a whole number from " + limits, limits);
}

StatusOr<int> ParsePriority(std::string_view text) {
  int priority = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), priority);
  if (error != std::errc() || end != text.data() + text.size()) priority = kMaxPriority + 1;
  VORA_RETURN_IF_ERROR(CheckPriority(priority));
  return priority;
}

}  // namespace vora
