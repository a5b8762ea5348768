#include <algorithm>
#include <cctype>

#include "libs/settings/settings.h"

namespace vora {
namespace {

constexpr size_t kWidth = 96;
constexpr std::string_view kIndent = "      ";

void AppendWrapped(std::string& out, std::string_view text) {
  while (!text.empty()) {
    size_t take = text.size();
    if (take > kWidth - kIndent.size()) {
      take = text.rfind(' ', kWidth - kIndent.size());
      if (take == std::string_view::npos || take == 0) take = std::min(text.find(' '), text.size());
    }
    out.append(kIndent).append(text.substr(0, take)).append("\n");
    text.remove_prefix(std::min(text.size(), take + 1));
  }
}

std::string Sentence(std::string text) {
  if (!text.empty() && std::ispunct(static_cast<unsigned char>(text.back())) == 0) text.push_back('.');
  return text;
}

std::string EscapeCell(std::string_view text) {
  std::string out;
  for (const char c : text) out.append(c == '|' ? "\\|" : std::string(1, c));
  return out;
}

// "A is", "A and B are"
std::string Both(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out.append(out.empty() ? "" : " and ").append(name);
  return out.append(names.size() == 1 ? " is" : " are");
}

}  // namespace

std::string SettingsSchema::Help() const {
  std::string out;
  for (const auto& setting : settings_) {
    const std::string shown = setting.options.secret && !setting.default_text.empty() ? "***" : setting.default_text;
    out.append("  ").append(setting.name);
    if (!shown.empty()) {
      out.append("  (default: ").append(shown).append(")");
    } else if (setting.options.required) {
      out.append("  (required)");
    } else {
      out.append("  (default: empty)");
    }
    out.append("\n");
    std::string text = Sentence(setting.help);
    if (!setting.limits.empty()) text.append(" ").append(setting.limits);
    AppendWrapped(out, text);
  }
  return out;
}

std::string SettingsSchema::Markdown() const {
  std::string out = "| Variable | Default | Meaning |\n|---|---|---|\n";
  for (const auto& setting : settings_) {
    std::string text = Sentence(setting.help);
    if (!setting.limits.empty()) text.append(" ").append(setting.limits);
    if (setting.options.required && setting.default_text.empty())
      text.append(setting.options.unless.empty() ? " Required." : " Required, unless " + Both(setting.options.unless) + " set.");
    const std::string shown = setting.options.secret && !setting.default_text.empty() ? "***" : setting.default_text;
    out.append("| `").append(setting.name).append("` | ");
    if (!shown.empty()) out.append("`").append(EscapeCell(shown)).append("`");
    out.append(" | ").append(EscapeCell(text)).append(" |\n");
  }
  return out;
}

}  // namespace vora
