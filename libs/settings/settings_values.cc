#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "libs/settings/settings_internal.h"

namespace vora::settings_internal {
namespace {

using Unit = std::pair<std::string_view, int64_t>;
// Longest suffix first, so that "ms" is not taken for "s".
constexpr std::array<Unit, 4> kDurations = {{{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
constexpr std::array<Unit, 5> kSizes = {
    {{"KiB", int64_t{1} << 10}, {"MiB", int64_t{1} << 20}, {"GiB", int64_t{1} << 30}, {"TiB", int64_t{1} << 40}, {"B", 1}}};

template <size_t N>
std::optional<int64_t> ParseScaled(std::string_view text, const std::array<Unit, N>& units, int64_t bare_unit) {
  int64_t unit = bare_unit;
  for (const auto& [suffix, scale] : units) {
    if (!text.ends_with(suffix)) continue;
    unit = scale;
    text.remove_suffix(suffix.size());
    break;
  }
  while (text.ends_with(' ')) text.remove_suffix(1);
  // Whole numbers apart: a double would round sizes beyond 2^53.
  if (const auto whole = ParseInteger(text)) {
    int64_t scaled = 0;
    if (*whole < 0 || __builtin_mul_overflow(*whole, unit, &scaled)) return std::nullopt;
    return scaled;
  }
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number, std::chars_format::fixed);
  if (error != std::errc() || stop != end || !(number >= 0) || number * static_cast<double>(unit) > 9e18) return std::nullopt;
  return std::llround(number * static_cast<double>(unit));
}

template <size_t N>
std::optional<std::string> FormatScaled(int64_t value, const std::array<Unit, N>& units) {
  const Unit* best = nullptr;
  for (const auto& unit : units) {
    if (value != 0 && value % unit.second == 0 && (best == nullptr || unit.second > best->second)) best = &unit;
  }
  if (best == nullptr) return std::nullopt;
  return std::to_string(value / best->second) + std::string(best->first);
}

}  // namespace

std::string Trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return "";
  return std::string(text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1));
}

std::optional<int64_t> ParseInteger(std::string_view text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end) return std::nullopt;
  return number;
}

std::optional<int64_t> ParseDuration(std::string_view text) { return ParseScaled(text, kDurations, 1000); }

std::string FormatDuration(int64_t milliseconds) { return FormatScaled(milliseconds, kDurations).value_or("0s"); }

std::optional<int64_t> ParseBytes(std::string_view text) { return ParseScaled(text, kSizes, 1); }

std::string FormatBytes(int64_t bytes) {
  auto text = FormatScaled(bytes, kSizes).value_or("0");
  if (text.ends_with("iB") || !text.ends_with('B')) return text;
  return text.substr(0, text.size() - 1);
}

std::vector<std::string> SplitList(std::string_view text) {
  std::vector<std::string> items;
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    if (auto item = Trim(text.substr(0, comma)); !item.empty()) items.push_back(std::move(item));
    text.remove_prefix(std::min(text.size(), comma + 1));
  }
  return items;
}

}  // namespace vora::settings_internal
