#include "services/metadata/videos/page_token.h"

#include "libs/core/digest.h"
#include "libs/core/encoding.h"
#include "libs/core/error.h"
#include "libs/core/ids.h"

namespace vora::metadata {
namespace {

constexpr size_t kIdLength = 32;

std::string Fingerprint(const ListFilter& filter) {
  std::string text = filter.tenant;
  // A byte that none of the parts holds keeps them apart: else a letter could move from one to the next unnoticed.
  text.append(1, '\0').append(filter.state).append(1, '\0').append(filter.query);
  // Tokens of a list without these stay what they were.
  if (!filter.external_id.empty() || !filter.labels.empty()) text.append(1, '\0').append(filter.external_id);
  for (const auto& [key, value] : filter.labels) text.append(1, '\0').append(key).append(1, '\0').append(value);
  return Sha256(text).substr(0, 8);
}

}  // namespace

std::string MakePageToken(const ListFilter& filter, std::string_view last_video_id) {
  return Base64UrlEncode(std::string(last_video_id) + Fingerprint(filter));
}

StatusOr<std::string> ParsePageToken(const ListFilter& filter, std::string_view token) {
  if (token.empty()) return std::string();
  const auto bytes = Base64UrlDecode(token);
  if (!bytes || bytes->size() != kIdLength + 8 || !IsId(bytes->substr(0, kIdLength))) {
    return InvalidField("page_token", "not a token of this service; use next_page_token of the page before");
  }
  if (bytes->substr(kIdLength) != Fingerprint(filter)) {
    return InvalidField("page_token", "belongs to a list that asks for something else; give the same parameters as for the page before");
  }
  return bytes->substr(0, kIdLength);
}

}  // namespace vora::metadata
