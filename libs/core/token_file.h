#pragma once

// The token that a file holds.

#include <string>

#include "libs/core/status.h"

namespace vora {

// Without the white space around it. INVALID_ARGUMENT when the file cannot be read or is empty.
StatusOr<std::string> ReadToken(const std::string& file);

}  // namespace vora
