#pragma once

// What people may write into a video, its limits, and the fields of requests.

#include <cstddef>
#include <map>
#include <string>
#include <string_view>

#include "libs/core/labels.h"
#include "libs/core/priority.h"
#include "libs/core/status.h"

namespace vora::metadata {

inline constexpr size_t kMaxTitle = 200;  // characters (code points)
inline constexpr size_t kMaxDescription = 5000;
inline constexpr int kMaxPageSize = 200;
inline constexpr int kDefaultPageSize = 50;

// INVALID_ARGUMENT "title: ..." naming the limit, or a character that cannot be stored.
Status CheckTitle(std::string_view title);
Status CheckDescription(std::string_view description);
// What a request for a new video says of it: title, description, external_id, labels and priority.
template <typename Request>
Status CheckTexts(const Request& request) {
  VORA_RETURN_IF_ERROR(CheckTitle(request.title()));
  VORA_RETURN_IF_ERROR(CheckDescription(request.description()));
  VORA_RETURN_IF_ERROR(CheckExternalId(request.external_id()));
  VORA_RETURN_IF_ERROR(CheckLabels(Labels(request.labels().begin(), request.labels().end())));
  return request.has_priority() ? CheckPriority(request.priority()) : absl::OkStatus();
}
// 1 to 200, 0 means 50.
StatusOr<int> CheckPageSize(int page_size);

// A title from Upload-Metadata: `title`, else the file name without folder and ending, else "Untitled".
std::string TitleOfUpload(const std::map<std::string, std::string>& metadata);
// The keys `label.KEY`; what breaks a limit is left out.
Labels LabelsOfUpload(const std::map<std::string, std::string>& metadata);
// The uploader's file name, safe to show; empty when none was given.
std::string FilenameOfUpload(const std::map<std::string, std::string>& metadata);

}  // namespace vora::metadata
