#pragma once

// The request target (RFC 9112 section 3.2), taken apart and checked.

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace vora::http {

struct Target {
  std::string path;  // decoded; a trailing slash is kept
  std::string raw_path;
  std::vector<std::string> segments;  // decoded one by one, so that %2F never splits one; without the empty one of a trailing slash
  std::multimap<std::string, std::string> query;
};

// Takes origin-form, absolute-form and `*`. INVALID_ARGUMENT: a broken percent escape, a NUL, an empty, `.` or `..` segment (also when
// it hides behind %2F or %2E).
StatusOr<Target> ParseTarget(std::string_view target);

}  // namespace vora::http
