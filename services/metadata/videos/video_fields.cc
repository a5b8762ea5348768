#include "services/metadata/videos/video_fields.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>

#include <nlohmann/json.hpp>

#include "libs/core/error.h"
#include "libs/core/priority.h"
#include "libs/core/text.h"

namespace vora::metadata {
namespace {

using Json = nlohmann::json;

Status CheckText(std::string_view field, std::string_view text, size_t limit, bool lines_allowed) {
  const auto count = CountCodePoints(text);
  if (!count) return InvalidField(field, "not valid UTF-8");
  if (*count > limit) {
    const std::string characters = std::to_string(limit) + " characters";
    return InvalidField(field, "at most " + characters + ", got " + std::to_string(*count), characters);
  }
  for (char c : text) {
    if (IsControl(c) && !(lines_allowed && (c == '\n' || c == '\r' || c == '\t'))) {
      return InvalidField(field, "control characters are not allowed");
    }
  }
  return absl::OkStatus();
}

std::string Find(const std::map<std::string, std::string>& metadata, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const auto it = metadata.find(key);
    if (it != metadata.end() && !it->second.empty()) return it->second;
  }
  return {};
}

// Of strings, but for the field `number`, of whatever type.
StatusOr<Json> ParseObject(std::string_view body, std::initializer_list<std::string_view> allowed, std::string_view number = {}) {
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return InvalidField("body", "not valid JSON");
  if (!json.is_object()) return InvalidField("body", "must be a JSON object");
  std::string known;
  for (std::string_view name : allowed) known += (known.empty() ? "" : ", ") + std::string(name);
  for (const auto& [key, value] : json.items()) {
    if (std::find(allowed.begin(), allowed.end(), key) == allowed.end()) {
      return InvalidField(Sanitise(key, 100), "unknown field; known are " + known);
    }
    if (key != number && !value.is_string()) return InvalidField(key, "must be a string, got " + std::string(value.type_name()));
  }
  return json;
}

std::optional<std::string> Text(const Json& json, const char* field) {
  const auto it = json.find(field);
  if (it == json.end()) return std::nullopt;
  return it->get<std::string>();
}

}  // namespace

std::string Sanitise(std::string_view text, size_t limit) {
  std::string clean;
  for (size_t count = 0; !text.empty() && count < limit; ++count) {
    const size_t length = Utf8SequenceLength(text);
    if (length == 0 || (length == 1 && IsControl(text[0]))) {
      clean += '?';
      text.remove_prefix(1);
    } else {
      clean.append(text.substr(0, length));
      text.remove_prefix(length);
    }
  }
  return clean;
}

Status CheckTitle(std::string_view title) { return CheckText("title", title, kMaxTitle, false); }
Status CheckDescription(std::string_view description) { return CheckText("description", description, kMaxDescription, true); }

StatusOr<int> CheckPageSize(int page_size) {
  if (page_size == 0) return kDefaultPageSize;
  if (page_size < 1 || page_size > kMaxPageSize) {
    return InvalidField("page_size", "must be 1 to " + std::to_string(kMaxPageSize) + ", got " + std::to_string(page_size));
  }
  return page_size;
}

std::string FilenameOfUpload(const std::map<std::string, std::string>& metadata) {
  std::string name = Find(metadata, {"filename", "name"});
  // Some programs send the whole path, with the slashes of their system.
  const size_t slash = name.find_last_of("/\\");
  if (slash != std::string::npos) name.erase(0, slash + 1);
  return Sanitise(name, kMaxTitle);
}

std::string TitleOfUpload(const std::map<std::string, std::string>& metadata) {
  const std::string title = Find(metadata, {"title"});
  if (!title.empty()) return Sanitise(title, kMaxTitle);
  std::string name = FilenameOfUpload(metadata);
  const size_t dot = name.rfind('.');
  // A longer tail is no file ending but part of the title.
  if (dot != std::string::npos && dot > 0 && name.size() - dot <= 6) name.erase(dot);
  return name.empty() ? "Untitled" : name;
}

StatusOr<CreateBody> ParseCreateBody(std::string_view body) {
  VORA_ASSIGN_OR_RETURN(const Json json, ParseObject(body, {"upload_id", "title", "description", "priority"}, "priority"));
  CreateBody parsed;
  parsed.upload_id = Text(json, "upload_id").value_or("");
  parsed.title = Text(json, "title").value_or("");
  parsed.description = Text(json, "description").value_or("");
  if (parsed.upload_id.empty()) return InvalidField("upload_id", "required, the id of a finished upload");
  VORA_RETURN_IF_ERROR(CheckTitle(parsed.title));
  VORA_RETURN_IF_ERROR(CheckDescription(parsed.description));
  if (const auto priority = json.find("priority"); priority != json.end()) {
    VORA_ASSIGN_OR_RETURN(parsed.priority, ParsePriority(priority->dump()));
  }
  return parsed;
}

StatusOr<UpdateBody> ParseUpdateBody(std::string_view body) {
  VORA_ASSIGN_OR_RETURN(const Json json, ParseObject(body, {"title", "description"}));
  UpdateBody parsed{Text(json, "title"), Text(json, "description")};
  if (!parsed.title && !parsed.description) return InvalidField("body", "give title, description or both");
  if (parsed.title) VORA_RETURN_IF_ERROR(CheckTitle(*parsed.title));
  if (parsed.title && parsed.title->empty()) return InvalidField("title", "must not be empty");
  if (parsed.description) VORA_RETURN_IF_ERROR(CheckDescription(*parsed.description));
  return parsed;
}

}  // namespace vora::metadata
