#include "libs/sources/pinned_file.h"

#include <absl/strings/numbers.h>

#include "libs/core/encoding.h"

namespace vora::sources {
namespace {

constexpr std::string_view kScheme = "source://";
constexpr std::string_view kEtag = "?etag=", kSize = "&size=";

}  // namespace

bool IsPinnedFile(std::string_view source_key) { return source_key.starts_with(kScheme); }

std::string FormatPinnedFile(const PinnedFile& file) {
  return std::string(kScheme) + file.source + "/" + PercentEncode(file.key, /*keep_slash=*/true) + std::string(kEtag) +
         PercentEncode(file.etag) + std::string(kSize) + std::to_string(file.size);
}

StatusOr<PinnedFile> ParsePinnedFile(std::string_view text) {
  const Status wrong = InvalidArgument("source_key: not a file of a source: " + std::string(text));
  if (!IsPinnedFile(text)) return wrong;
  std::string_view rest = text.substr(kScheme.size());
  const size_t slash = rest.find('/'), etag = rest.find(kEtag), size = rest.rfind(kSize);
  if (slash == rest.npos || etag == rest.npos || size == rest.npos || etag < slash || size < etag) return wrong;
  PinnedFile file;
  file.source = rest.substr(0, slash);
  const auto key = PercentDecode(rest.substr(slash + 1, etag - slash - 1));
  const auto tag = PercentDecode(rest.substr(etag + kEtag.size(), size - etag - kEtag.size()));
  if (!key || key->empty() || !tag || !absl::SimpleAtoi(std::string(rest.substr(size + kSize.size())), &file.size) || file.size < 0)
    return wrong;
  file.key = *key;
  file.etag = *tag;
  return file;
}

}  // namespace vora::sources
