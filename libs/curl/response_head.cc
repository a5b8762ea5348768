#include "libs/curl/response_head.h"

#include <algorithm>

#include "libs/core/text.h"

namespace vora::curl {

void ResponseHead::Add(std::string_view line) {
  while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {
    *this = ResponseHead();
    return;
  }
  if (line.empty()) {
    complete_ = true;
    return;
  }
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos) return;
  fields_.emplace_back(line.substr(0, colon), TrimBlanks(line.substr(colon + 1)));
}

const std::string& ResponseHead::Get(std::string_view name) const {
  static const std::string kNone;
  const auto found =
      std::find_if(fields_.rbegin(), fields_.rend(), [name](const auto& field) { return EqualsIgnoreCase(field.first, name); });
  return found == fields_.rend() ? kNone : found->second;
}

}  // namespace vora::curl
