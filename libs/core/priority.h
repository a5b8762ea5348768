#pragma once

// How urgent the work for a video is, among that of its tenant.

#include <string_view>

#include "libs/core/status.h"

namespace vora {

inline constexpr int kMaxPriority = 1000;  // and -1000; each point is worth a start an hour earlier, 0 is usual

// INVALID_ARGUMENT names the field `priority` and the limits.
Status CheckPriority(int64_t priority);
StatusOr<int> ParsePriority(std::string_view text);

}  // namespace vora
