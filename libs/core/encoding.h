#pragma once

// Text encodings of bytes.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vora {

std::string HexEncode(std::string_view bytes);  // lower case
std::optional<std::string> HexDecode(std::string_view text);
std::string Base64Encode(std::string_view bytes);                // RFC 4648 section 4, padded
std::optional<std::string> Base64Decode(std::string_view text);  // strict: alphabet and padding
std::string Base64UrlEncode(std::string_view bytes);             // RFC 4648 section 5, no padding
std::optional<std::string> Base64UrlDecode(std::string_view text);
std::string PercentEncode(std::string_view text, bool keep_slash = false);  // RFC 3986: all but unreserved
std::optional<std::string> PercentDecode(std::string_view text);            // nullopt on a broken escape

}  // namespace vora
