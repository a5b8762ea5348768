// Range and If-None-Match.

#include <limits>

#include "libs/core/text.h"
#include "libs/http/message/message.h"

namespace vora::http {
namespace {

// Saturates instead of overflowing: a position beyond any file behaves as one.
std::optional<int64_t> Digits(std::string_view text) {
  if (text.empty()) return std::nullopt;
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  int64_t value = 0;
  for (char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    const int digit = c - '0';
    value = value > (kMax - digit) / 10 ? kMax : value * 10 + digit;
  }
  return value;
}

bool IsBytesUnit(std::string_view unit) {
  constexpr std::string_view kBytes = "bytes";
  if (unit.size() != kBytes.size()) return false;
  for (size_t i = 0; i < unit.size(); ++i) {
    if ((unit[i] | 0x20) != kBytes[i]) return false;
  }
  return true;
}

std::string_view StripWeak(std::string_view tag) {
  if (tag.starts_with("W/")) tag.remove_prefix(2);
  if (tag.size() >= 2 && tag.front() == '"' && tag.back() == '"') tag = tag.substr(1, tag.size() - 2);
  return tag;
}

}  // namespace

std::optional<std::optional<ByteRange>> ParseRange(std::string_view header, int64_t size) {
  const size_t equals = header.find('=');
  if (equals == std::string_view::npos || !IsBytesUnit(TrimBlanks(header.substr(0, equals)))) return std::nullopt;
  const std::string_view spec = TrimBlanks(header.substr(equals + 1));
  const size_t dash = spec.find('-');
  // A Range that is not understood is ignored (RFC 9110 section 14.2), not refused.
  if (spec.find(',') != std::string_view::npos || dash == std::string_view::npos) return std::nullopt;
  const std::string_view first_text = TrimBlanks(spec.substr(0, dash));
  const std::string_view last_text = TrimBlanks(spec.substr(dash + 1));
  const auto unsatisfiable = std::make_optional(std::optional<ByteRange>());
  if (first_text.empty()) {
    const auto suffix = Digits(last_text);
    if (!suffix) return std::nullopt;
    if (*suffix == 0 || size <= 0) return unsatisfiable;
    return std::make_optional(std::make_optional(ByteRange{*suffix >= size ? 0 : size - *suffix, size - 1}));
  }
  const auto first = Digits(first_text);
  const auto last = last_text.empty() ? std::make_optional(std::numeric_limits<int64_t>::max()) : Digits(last_text);
  // Last before first makes the header invalid, hence ignored; a first position beyond the end is valid and answered 416.
  if (!first || !last || *first > *last) return std::nullopt;
  if (*first >= size) return unsatisfiable;
  return std::make_optional(std::make_optional(ByteRange{*first, *last >= size ? size - 1 : *last}));
}

bool EtagMatches(std::string_view if_none_match, std::string_view etag) {
  std::string_view rest = TrimBlanks(if_none_match);
  if (rest == "*") return true;
  const std::string_view wanted = StripWeak(TrimBlanks(etag));
  while (!rest.empty()) {
    // A comma inside quotes belongs to the tag.
    size_t end = 0;
    bool quoted = false;
    while (end < rest.size() && (quoted || rest[end] != ',')) {
      if (rest[end] == '"') quoted = !quoted;
      ++end;
    }
    const std::string_view tag = TrimBlanks(rest.substr(0, end));
    if (!tag.empty() && StripWeak(tag) == wanted) return true;
    rest = end < rest.size() ? rest.substr(end + 1) : std::string_view();
  }
  return false;
}

}  // namespace vora::http
