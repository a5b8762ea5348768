#pragma once

// Settings from VORA_* environment variables. A daemon declares them once; the same declaration serves loading,
// `--help`, `--print-config` and the reference in docs.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libs/core/status.h"

namespace vora {

struct SettingOptions {
  bool secret = false;                   // masked in --print-config and never logged
  bool required = false;                 // empty or unset is an error
  std::vector<std::string> unless = {};  // with `required`: not where all of these are set
  std::optional<int64_t> min = {};       // numbers, bytes and milliseconds of durations; inclusive
  std::optional<int64_t> max = {};
  std::vector<std::string> choices = {};  // strings: one of these
};

// Declares settings bound to variables that hold their defaults. The variables must outlive the schema.
class SettingsSchema {
 public:
  using Getenv = std::function<std::optional<std::string>(const std::string& name)>;

  void Add(std::string name, std::string* value, std::string help, SettingOptions options = {});
  void Add(std::string name, int64_t* value, std::string help, SettingOptions options = {});
  void Add(std::string name, double* value, std::string help, SettingOptions options = {});
  void Add(std::string name, bool* value, std::string help, SettingOptions options = {});  // true/false/1/0/yes/no/on/off
  // "250ms", "10s", "5m", "2h"; a bare number is seconds.
  void Add(std::string name, std::chrono::milliseconds* value, std::string help, SettingOptions options = {});
  // Comma-separated.
  void Add(std::string name, std::vector<std::string>* value, std::string help, SettingOptions options = {});
  // "64MiB", "50GiB", "1000000": IEC suffixes; a bare number is bytes.
  void AddBytes(std::string name, int64_t* value, std::string help, SettingOptions options = {});

  // Reads every declared variable; an empty one counts as unset and leaves the default. INVALID_ARGUMENT lists all mistakes at
  // once, one per line, each naming the variable, its value (masked if secret) and what is allowed. Variables that nobody
  // declared are not an error.
  Status Load(const Getenv& getenv);
  Status LoadFromEnvironment();

  // One paragraph per setting: name, default, limits, help.
  std::string Help() const;
  // NAME=value lines, secrets as `***`.
  std::string PrintConfig() const;
  // A Markdown table, for docs.
  std::string Markdown() const;

 private:
  struct Setting {
    std::string name;
    std::string help;
    std::string limits;  // a sentence for people, or empty
    SettingOptions options;
    std::string default_text;
    std::function<Status(const std::string&)> parse;  // message without the variable's name
    std::function<std::string()> print;
  };
  using Parse = std::function<Status(const std::string& text, const SettingOptions& options)>;
  void AddSetting(std::string name, std::string help, std::string limits, SettingOptions options, Parse parse,
                  std::function<std::string()> print);
  std::vector<Setting> settings_;
};

}  // namespace vora
