#include "services/metadata/videos/video_fields.h"

#include <initializer_list>

#include "libs/core/error.h"
#include "libs/core/text.h"
#include "libs/core/text_field.h"

namespace vora::metadata {
namespace {

std::string Find(const std::map<std::string, std::string>& metadata, std::initializer_list<const char*> keys) {
  for (const char* key : keys) {
    const auto it = metadata.find(key);
    if (it != metadata.end() && !it->second.empty()) return it->second;
  }
  return {};
}

}  // namespace

Status CheckTitle(std::string_view title) { return CheckText("title", title, kMaxTitle); }
Status CheckDescription(std::string_view description) { return CheckText("description", description, kMaxDescription, Lines::kMany); }

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

Labels LabelsOfUpload(const std::map<std::string, std::string>& metadata) {
  Labels labels;
  for (const auto& [key, value] : metadata) {
    if (!key.starts_with(kLabelPrefix)) continue;
    const std::string label = key.substr(kLabelPrefix.size());
    if (labels.size() < kMaxLabels && CheckLabels({{label, value}}).ok()) labels[label] = value;
  }
  return labels;
}

}  // namespace vora::metadata
