#pragma once

// Tokens of list pages: where the last page ended, bound to the query they came from.

#include <string>
#include <string_view>

#include "libs/core/labels.h"
#include "libs/core/status.h"

namespace vora::metadata {

// What a list asks for besides its page; a token is good for the same one only.
struct ListFilter {
  std::string tenant;
  std::string state;  // name, or empty for all
  std::string query;
  std::string external_id{};
  Labels labels{};
};

std::string MakePageToken(const ListFilter& filter, std::string_view last_video_id);
// The last video id of the page before; empty for an empty token. INVALID_ARGUMENT: broken, or of another query.
StatusOr<std::string> ParsePageToken(const ListFilter& filter, std::string_view token);

}  // namespace vora::metadata
