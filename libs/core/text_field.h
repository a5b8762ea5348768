#pragma once

// Texts that people write into fields of a request.

#include <cstddef>
#include <string_view>

#include "libs/core/status.h"

namespace vora {

enum class Lines { kOne, kMany };  // kMany: line ends and tabs may be in it

// INVALID_ARGUMENT naming the field and the limit: more than `limit` characters (code points), not UTF-8, or control characters.
Status CheckText(std::string_view field, std::string_view text, size_t limit, Lines lines = Lines::kOne);

}  // namespace vora
