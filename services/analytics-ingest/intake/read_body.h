#pragma once

#include <chrono>
#include <string>

#include "libs/http/server/server.h"

namespace vora::analytics {

// The whole body. errors::kPayloadTooLarge: longer than `limit`. DEADLINE_EXCEEDED: it has not come within `patience`, however steadily it
// drips.
http::Task<StatusOr<std::string>> ReadWholeBody(http::Exchange& exchange, size_t limit, std::chrono::milliseconds patience);

}  // namespace vora::analytics
