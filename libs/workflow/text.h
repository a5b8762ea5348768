#pragma once

// Texts from outside made fit for proto3 strings and for PostgreSQL.

#include <cstddef>
#include <string>
#include <string_view>

namespace vora::workflow {

// `text` as valid UTF-8 without NUL: broken bytes become '?'; cut to the last `max_bytes` bytes when longer.
std::string ValidUtf8(std::string_view text, size_t max_bytes);

}  // namespace vora::workflow
