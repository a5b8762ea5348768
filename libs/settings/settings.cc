#include "libs/settings/settings.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

#include "libs/settings/settings_internal.h"

namespace vora {
namespace {

using settings_internal::FormatBytes;
using settings_internal::FormatDuration;
using settings_internal::ParseBytes;
using settings_internal::ParseDuration;
using settings_internal::ParseInteger;
using settings_internal::SplitList;
using settings_internal::Trim;

using Format = std::string (*)(int64_t);

std::string FormatInteger(int64_t value) { return std::to_string(value); }

Status CheckLimits(int64_t value, const SettingOptions& options, Format format) {
  if (options.min && value < *options.min) return InvalidArgument("must be at least " + format(*options.min));
  if (options.max && value > *options.max) return InvalidArgument("must be at most " + format(*options.max));
  return absl::OkStatus();
}

std::string Join(const std::vector<std::string>& items, std::string_view separator) {
  std::string out;
  for (const auto& item : items) out.append(out.empty() ? "" : separator).append(item);
  return out;
}

Status CheckChoice(const std::string& value, const SettingOptions& options) {
  if (options.choices.empty()) return absl::OkStatus();
  for (const auto& choice : options.choices) {
    if (choice == value) return absl::OkStatus();
  }
  return InvalidArgument("must be one of: " + Join(options.choices, ", "));
}

std::string Limits(const SettingOptions& options, Format format) {
  if (!options.choices.empty()) return "One of: " + Join(options.choices, ", ") + ".";
  if (options.min && options.max) return "From " + format(*options.min) + " to " + format(*options.max) + ".";
  if (options.min) return "At least " + format(*options.min) + ".";
  if (options.max) return "At most " + format(*options.max) + ".";
  return "";
}

// A number that `read` takes from the text and `format` shows, within the limits. `expected`: what else is said.
template <typename T>
auto ParseLimited(T* value, std::optional<int64_t> (*read)(std::string_view), const char* expected, Format format) {
  return [=](const std::string& text, const SettingOptions& options) -> Status {
    const auto number = read(text);
    if (!number) return InvalidArgument(expected);
    VORA_RETURN_IF_ERROR(CheckLimits(*number, options, format));
    *value = T(*number);
    return absl::OkStatus();
  };
}

Status ParseDouble(const std::string& text, const SettingOptions& options, double* value) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || stop != end || !std::isfinite(number)) return InvalidArgument("must be a number");
  if (options.min && number < static_cast<double>(*options.min)) return InvalidArgument("must be at least " + std::to_string(*options.min));
  if (options.max && number > static_cast<double>(*options.max)) return InvalidArgument("must be at most " + std::to_string(*options.max));
  *value = number;
  return absl::OkStatus();
}

Status ParseSwitch(const std::string& text, bool* value) {
  for (const char* yes : {"on", "true", "yes", "1"}) {
    if (text == yes) return *value = true, absl::OkStatus();
  }
  for (const char* no : {"off", "false", "no", "0"}) {
    if (text == no) return *value = false, absl::OkStatus();
  }
  return InvalidArgument("must be on or off (also true/false, yes/no, 1/0)");
}

std::string FormatDouble(double value) {
  char text[64];
  return {text, std::to_chars(text, text + sizeof(text), value).ptr};
}

}  // namespace

void SettingsSchema::AddSetting(std::string name, std::string help, std::string limits, SettingOptions options, Parse parse,
                                std::function<std::string()> print) {
  // The default now, before Load: afterwards the variable holds what is in effect.
  std::string before = print();
  auto parsed = [parse = std::move(parse), options](const std::string& text) { return parse(text, options); };
  settings_.push_back({.name = std::move(name),
                       .help = std::move(help),
                       .limits = std::move(limits),
                       .options = std::move(options),
                       .default_text = std::move(before),
                       .parse = std::move(parsed),
                       .print = std::move(print)});
}

void SettingsSchema::Add(std::string name, std::string* value, std::string help, SettingOptions options) {
  const auto parse = [value](const std::string& text, const SettingOptions& given) -> Status {
    VORA_RETURN_IF_ERROR(CheckChoice(text, given));
    *value = text;
    return absl::OkStatus();
  };
  AddSetting(std::move(name), std::move(help), Limits(options, FormatInteger), options, parse, [value] { return *value; });
}

void SettingsSchema::Add(std::string name, int64_t* value, std::string help, SettingOptions options) {
  AddSetting(std::move(name), std::move(help), Limits(options, FormatInteger), options,
             ParseLimited(value, &ParseInteger, "must be a whole number", FormatInteger), [value] { return std::to_string(*value); });
}

void SettingsSchema::Add(std::string name, double* value, std::string help, SettingOptions options) {
  const auto parse = [value](const std::string& text, const SettingOptions& given) { return ParseDouble(text, given, value); };
  AddSetting(std::move(name), std::move(help), Limits(options, FormatInteger), options, parse, [value] { return FormatDouble(*value); });
}

void SettingsSchema::Add(std::string name, bool* value, std::string help, SettingOptions options) {
  const auto parse = [value](const std::string& text, const SettingOptions&) { return ParseSwitch(text, value); };
  AddSetting(std::move(name), std::move(help), "on or off.", options, parse, [value] { return std::string(*value ? "on" : "off"); });
}

void SettingsSchema::Add(std::string name, std::chrono::milliseconds* value, std::string help, SettingOptions options) {
  AddSetting(std::move(name), std::move(help), Limits(options, FormatDuration), options,
             ParseLimited(value, &ParseDuration, "must be a duration such as 250ms, 10s, 5m or 2h", FormatDuration),
             [value] { return FormatDuration(value->count()); });
}

void SettingsSchema::Add(std::string name, std::vector<std::string>* value, std::string help, SettingOptions options) {
  const std::string limits =
      std::string(options.choices.empty() ? "Comma-separated." : "Comma-separated. ").append(Limits(options, FormatInteger));
  const auto parse = [value](const std::string& text, const SettingOptions& given) -> Status {
    auto items = SplitList(text);
    for (const auto& item : items) VORA_RETURN_IF_ERROR(CheckChoice(item, given));
    *value = std::move(items);
    return absl::OkStatus();
  };
  AddSetting(std::move(name), std::move(help), limits, options, parse, [value] { return Join(*value, ","); });
}

void SettingsSchema::AddBytes(std::string name, int64_t* value, std::string help, SettingOptions options) {
  AddSetting(std::move(name), std::move(help), Limits(options, FormatBytes), options,
             ParseLimited(value, &ParseBytes, "must be a size such as 1000000, 512KiB, 64MiB or 50GiB", FormatBytes),
             [value] { return FormatBytes(*value); });
}

Status SettingsSchema::Load(const Getenv& getenv) {
  std::string mistakes;
  const auto report = [&mistakes](const std::string& line) { mistakes.append(mistakes.empty() ? "" : "\n").append(line); };
  for (const auto& setting : settings_) {
    // Files of environment variables leave blanks and carriage returns at the ends.
    const std::string text = Trim(getenv(setting.name).value_or(""));
    if (text.empty()) {
      const auto& others = setting.options.unless;
      const bool replaced = !others.empty() && std::all_of(others.begin(), others.end(), [&](const std::string& other) {
        return !Trim(getenv(other).value_or("")).empty();
      });
      if (setting.options.required && !replaced && setting.default_text.empty()) report(setting.name + ": is required. " + setting.help);
      continue;
    }
    const Status status = setting.parse(text);
    if (status.ok()) continue;
    report(setting.name + "=" + (setting.options.secret ? "***" : text) + ": " + Message(status));
  }
  return mistakes.empty() ? absl::OkStatus() : InvalidArgument(mistakes);
}

Status SettingsSchema::LoadFromEnvironment() {
  return Load([](const std::string& name) -> std::optional<std::string> {
    const char* value = std::getenv(name.c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  });
}

std::string SettingsSchema::PrintConfig() const {
  std::string out;
  for (const auto& setting : settings_) {
    const std::string value = setting.print();
    out.append(setting.name).append("=").append(setting.options.secret && !value.empty() ? "***" : value).append("\n");
  }
  return out;
}

}  // namespace vora
