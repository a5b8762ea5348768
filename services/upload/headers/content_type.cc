#include "services/upload/headers/content_type.h"

#include <algorithm>
#include <cctype>

#include "services/upload/headers/tus_headers.h"

namespace vora::upload {
namespace {

bool IsRestrictedName(std::string_view name) {
  return !name.empty() && name.size() <= 127 && std::isalnum(static_cast<unsigned char>(name.front())) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) || std::string_view("!#$&-^_.+").find(c) != std::string_view::npos;
         });
}

}  // namespace

std::string ContentTypeOf(std::string_view metadata_header) {
  StatusOr<Metadata> parsed = ParseMetadata(metadata_header);
  const Metadata* metadata = parsed.ok() ? &*parsed : nullptr;
  for (std::string_view key : {"filetype", "type"}) {
    std::optional<std::string> value = metadata ? FindMetadata(*metadata, key) : std::nullopt;
    if (!value) continue;
    size_t slash = value->find('/');
    std::string_view text = *value;
    bool ok = slash != std::string::npos && IsRestrictedName(text.substr(0, slash)) && IsRestrictedName(text.substr(slash + 1));
    if (ok) return *value;
  }
  return "application/octet-stream";
}

}  // namespace vora::upload
