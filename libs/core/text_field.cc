#include "libs/core/text_field.h"

#include <string>

#include "libs/core/error.h"
#include "libs/core/text.h"

namespace vora {

Status CheckText(std::string_view field, std::string_view text, size_t limit, Lines lines) {
  const auto count = CountCodePoints(text);
  if (!count) return InvalidField(field, "not valid UTF-8");
  if (*count > limit) {
    const std::string characters = std::to_string(limit) + " characters";
    return InvalidField(field, "at most " + characters + ", got " + std::to_string(*count), characters);
  }
  for (char c : text) {
    if (IsControl(c) && !(lines == Lines::kMany && (c == '\n' || c == '\r' || c == '\t'))) {
      return InvalidField(field, "control characters are not allowed");
    }
  }
  return absl::OkStatus();
}

}  // namespace vora
