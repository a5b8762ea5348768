#pragma once

// Text from outside: UTF-8 (RFC 3629), blanks and control characters.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace vora {

bool IsValidUtf8(std::string_view text);
// Bytes of the well-formed sequence that `text` begins with (Unicode 15, table 3-7); 0 when there is none, and at the end of the text.
size_t Utf8SequenceLength(std::string_view text);
// Characters (code points); nullopt when it is not valid UTF-8.
std::optional<size_t> CountCodePoints(std::string_view text);
// `text` as valid UTF-8 without NUL, fit for proto3 strings and for PostgreSQL: broken bytes become '?'; cut to the last `max_bytes` bytes
// when it is longer.
std::string RepairUtf8(std::string_view text, size_t max_bytes);
// `text` with invalid bytes and control characters replaced by '?', and at most `limit` code points.
std::string Sanitise(std::string_view text, size_t limit);

bool IsControl(char c);                                         // below space, and DEL
std::string_view TrimBlanks(std::string_view text);             // without spaces and tabs at both ends (OWS of RFC 9110 section 5.6.3)
bool EqualsIgnoreCase(std::string_view a, std::string_view b);  // ASCII letters in either case
std::string ToLower(std::string_view text);                     // ASCII letters

}  // namespace vora
