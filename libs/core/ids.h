#pragma once

// Identifiers: UUIDv7 (RFC 9562 section 5.7) as 32 lower-case hex digits without dashes: sortable by time, safe in
// object keys, URLs and file names.

#include <string>
#include <string_view>

namespace vora {

std::string NewId();
// 32 lower-case hex digits.
bool IsId(std::string_view text);
// `bytes` random bytes from the operating system as lower-case hex.
std::string RandomHex(int bytes);

}  // namespace vora
