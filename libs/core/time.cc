#include "libs/core/time.h"

#include <array>

#include <absl/strings/ascii.h>
#include <absl/strings/str_cat.h>
#include <absl/time/time.h>

namespace vora {
namespace {

std::string Format(std::string_view form, SystemTime time) {
  return absl::FormatTime({form.data(), form.size()}, absl::FromChrono(time), absl::UTCTimeZone());
}

// Whether `text` begins as `form` does, where `0` stands for any digit; it is then without that.
bool TakeForm(std::string_view& text, std::string_view form) {
  if (text.size() < form.size()) return false;
  for (size_t i = 0; i < form.size(); ++i) {
    if (form[i] == '0' ? !absl::ascii_isdigit(static_cast<unsigned char>(text[i])) : text[i] != form[i]) return false;
  }
  text.remove_prefix(form.size());
  return true;
}

// absl reads more than the RFC knows: names, spaces, numbers of fewer digits.
bool IsRfc3339(std::string_view text) {
  if (!TakeForm(text, "0000-00-00T00:00:00")) return false;
  if (TakeForm(text, ".0")) {
    while (TakeForm(text, "0")) {
    }
  }
  return text == "Z" || ((TakeForm(text, "+00:00") || TakeForm(text, "-00:00")) && text.empty());
}

}  // namespace

int64_t ToUnixMs(SystemTime time) { return std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count(); }

SystemTime FromUnixMs(int64_t unix_ms) { return SystemTime(std::chrono::milliseconds(unix_ms)); }

int64_t ToUnixSeconds(SystemTime time) { return std::chrono::floor<std::chrono::seconds>(time.time_since_epoch()).count(); }

SystemTime FromUnixSeconds(int64_t unix_seconds) { return SystemTime(std::chrono::seconds(unix_seconds)); }

std::string FormatRfc3339(SystemTime time) { return Format("%E4Y-%m-%dT%H:%M:%E3SZ", time); }

std::string FormatRfc3339Seconds(SystemTime time) { return Format("%E4Y-%m-%dT%H:%M:%SZ", time); }

std::string FormatIso8601Basic(SystemTime time) { return Format("%E4Y%m%dT%H%M%SZ", time); }

std::string FormatHttpDate(SystemTime time) {
  // Not %a and %b: these names follow the locale.
  static constexpr std::array kDays = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const absl::CivilSecond civil = absl::ToCivilSecond(absl::FromChrono(time), absl::UTCTimeZone());
  return absl::StrCat(kDays.at(static_cast<size_t>(absl::GetWeekday(civil))), Format(", %d ", time),
                      kMonths.at(static_cast<size_t>(civil.month() - 1)), Format(" %E4Y %H:%M:%S GMT", time));
}

std::optional<int64_t> ParseRfc3339(std::string_view text) {
  std::string plain = absl::AsciiStrToUpper({text.data(), text.size()});
  if (plain.size() > 19 && plain[10] == ' ') plain[10] = 'T';
  if (!IsRfc3339(plain)) return std::nullopt;
  if (plain.compare(17, 2, "60") == 0) plain.replace(17, 2, "59");
  absl::Time time;
  if (!absl::ParseTime(absl::RFC3339_full, plain, &time, nullptr)) return std::nullopt;
  return absl::ToUnixMillis(time);
}

}  // namespace vora
