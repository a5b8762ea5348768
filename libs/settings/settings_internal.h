#pragma once

// The text forms of setting values. Only for settings.cc and its tests.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace vora::settings_internal {

std::string Trim(std::string_view text);
std::optional<int64_t> ParseInteger(std::string_view text);
// Milliseconds from "250ms", "10s", "5m", "2h", "1.5s"; a bare number is seconds. nullopt: malformed, negative or too large.
std::optional<int64_t> ParseDuration(std::string_view text);
std::string FormatDuration(int64_t milliseconds);
// Bytes from "64MiB", "50GiB", "1000000". nullopt: malformed, negative or too large.
std::optional<int64_t> ParseBytes(std::string_view text);
std::string FormatBytes(int64_t bytes);
// Comma-separated, trimmed, empty items left out.
std::vector<std::string> SplitList(std::string_view text);

}  // namespace vora::settings_internal
