#pragma once

// What others say of a video: the id that it has with them, labels, and what it is to be encoded as.

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "libs/core/status.h"

namespace vora {

inline constexpr size_t kMaxExternalId = 200;                      // characters
inline constexpr size_t kMaxLabels = 50;                           // of a video
inline constexpr size_t kMaxLabelKey = 63;                         // ASCII letters, digits, '.', '_', '-' and '/'
inline constexpr size_t kMaxLabelValue = 255;                      // characters
inline constexpr std::string_view kExternalIdKey = "external_id";  // of an upload's metadata
inline constexpr std::string_view kLadderKey = "ladder";           // of an upload's metadata
inline constexpr std::string_view kLabelPrefix = "label.";         // of an upload's metadata: `label.season`

using Labels = std::map<std::string, std::string, std::less<>>;

// Each: INVALID_ARGUMENT naming `external_id`, `labels` or `labels.KEY`, and the limit. An empty id is none.
Status CheckExternalId(std::string_view id);
Status CheckLabels(const Labels& labels);
// 1 to 32 of a-z, 0-9, _ and -. INVALID_ARGUMENT naming `field`.
Status CheckLadderName(std::string_view field, std::string_view name);
// "season=2": the key ends at the first '='. INVALID_ARGUMENT naming `label`.
StatusOr<std::pair<std::string, std::string>> ParseLabel(std::string_view text);

}  // namespace vora
