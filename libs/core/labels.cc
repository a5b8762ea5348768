#include "libs/core/labels.h"

#include <algorithm>

#include <absl/strings/ascii.h>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/core/text_field.h"

namespace vora {
namespace {

constexpr std::string_view kKeyLimit = "63 characters";

bool IsKey(std::string_view key) {
  return !key.empty() && key.size() <= kMaxLabelKey && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return absl::ascii_isalnum(c) || c == '.' || c == '_' || c == '-' || c == '/';
  });
}

}  // namespace

Status CheckExternalId(std::string_view id) { return CheckText(kExternalIdKey, id, kMaxExternalId); }

Status CheckLadderName(std::string_view field, std::string_view name) {
  constexpr size_t kLongest = 32;
  constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_-";
  if (!name.empty() && name.size() <= kLongest && name.find_first_not_of(kCharacters) == std::string_view::npos) return absl::OkStatus();
  const std::string shown = IsValidUtf8(name) ? ", not \"" + Sanitise(name, 100) + "\"" : "";
  return InvalidField(std::string(field), "must be 1 to 32 of a-z, 0-9, _ and -" + shown);
}

Status CheckLabels(const Labels& labels) {
  if (labels.size() > kMaxLabels) {
    const std::string limit = std::to_string(kMaxLabels) + " labels";
    return InvalidField("labels", "at most " + limit + ", got " + std::to_string(labels.size()), limit);
  }
  for (const auto& [key, value] : labels) {
    if (!IsKey(key)) {
      return InvalidField("labels", "a key must be 1 to 63 ASCII letters, digits, '.', '_', '-' or '/', got `" + RepairUtf8(key, 100) + "`",
                          kKeyLimit);
    }
    VORA_RETURN_IF_ERROR(CheckText("labels." + key, value, kMaxLabelValue));
  }
  return absl::OkStatus();
}

StatusOr<std::pair<std::string, std::string>> ParseLabel(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return InvalidField("label", "must be key=value");
  const std::string_view key = text.substr(0, equals), value = text.substr(equals + 1);
  if (!IsKey(key)) {
    return InvalidField("label", "the key must be 1 to 63 ASCII letters, digits, '.', '_', '-' or '/'", kKeyLimit);
  }
  VORA_RETURN_IF_ERROR(CheckText("label", value, kMaxLabelValue));
  return std::pair<std::string, std::string>(key, value);
}

}  // namespace vora
