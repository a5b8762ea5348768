#pragma once

// Times, as numbers and as text. All text is in UTC, whatever the machine's zone and locale are.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace vora {

using SystemTime = std::chrono::system_clock::time_point;

// Unix milliseconds, rounded down.
int64_t ToUnixMs(SystemTime time);
SystemTime FromUnixMs(int64_t unix_ms);
// Unix seconds, rounded down.
int64_t ToUnixSeconds(SystemTime time);
SystemTime FromUnixSeconds(int64_t unix_seconds);

// RFC 3339 section 5.6 with milliseconds: 2026-11-20T09:06:58.123Z
std::string FormatRfc3339(SystemTime time);
// The same in whole seconds: 2026-11-20T09:06:58Z
std::string FormatRfc3339Seconds(SystemTime time);
// RFC 9110 section 5.6.7 (IMF-fixdate): Sun, 06 Nov 1994 08:49:37 GMT
std::string FormatHttpDate(SystemTime time);
// ISO 8601's basic form, which the signatures of S3 want: 20261120T090658Z
std::string FormatIso8601Basic(SystemTime time);

// RFC 3339 section 5.6, with `Z` or an offset, in small letters too, and with a space for the `T`; any number of digits of a second. A leap
// second counts as the one before it. To Unix milliseconds, rounded down, since a SystemTime ends in 2262. nullopt: another form, or no
// time of the calendar.
std::optional<int64_t> ParseRfc3339(std::string_view text);

}  // namespace vora
