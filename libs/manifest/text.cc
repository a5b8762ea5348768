#include <cmath>

#include "libs/core/clock.h"
#include "libs/core/time.h"
#include "libs/manifest/text_internal.h"

namespace vora::manifest::internal {

std::string Fixed(int64_t numerator, int64_t denominator, int digits) {
  if (denominator <= 0 || numerator < 0) numerator = 0, denominator = 1;
  int64_t scale = 1;
  for (int i = 0; i < digits; ++i) scale *= 10;
  int64_t whole = numerator / denominator;
  const int64_t rest = numerator % denominator;
  int64_t fraction = (rest * scale + denominator / 2) / denominator;
  // 9.9996 with three digits is 10.000.
  if (fraction >= scale) ++whole, fraction -= scale;
  std::string out = std::to_string(whole);
  if (digits == 0) return out;
  const std::string decimals = std::to_string(fraction);
  return out + "." + std::string(static_cast<size_t>(digits) - decimals.size(), '0') + decimals;
}

std::string Seconds(double seconds) {
  if (!std::isfinite(seconds) || seconds < 0) seconds = 0;
  return Fixed(std::llround(seconds * 1000), 1000, 3);
}

std::string HlsQuoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != 0x7f) out += c;
  }
  return out;
}

std::string XmlAttribute(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&apos;";
        break;
      default:
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
  }
  return out;
}

std::string XmlTime(int64_t unix_ms) { return FormatRfc3339(FromUnixMs(unix_ms)); }

}  // namespace vora::manifest::internal
