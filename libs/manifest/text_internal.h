#pragma once

// Number and quoting rules shared by the playlist writers. Never depends on the locale.

#include <cstdint>
#include <string>
#include <string_view>

namespace vora::manifest::internal {

// numerator / denominator with exactly `digits` decimals (0 to 9), rounded half up; 0 when the denominator is not positive.
std::string Fixed(int64_t numerator, int64_t denominator, int digits);
// `seconds` with three decimals; negative and not finite become 0.
std::string Seconds(double seconds);
// Inside an HLS quoted-string (RFC 8216 section 4.2): line breaks, control characters and double quotes cannot be written, so they are
// dropped.
std::string HlsQuoted(std::string_view text);
// Inside an XML attribute value; characters that XML 1.0 forbids are dropped.
std::string XmlAttribute(std::string_view text);
// xs:dateTime in UTC with milliseconds.
std::string XmlTime(int64_t unix_ms);

}  // namespace vora::manifest::internal
