#pragma once

// One version of a file of a source, as histories and rows name it: source://NAME/KEY?etag=E&size=N. The key is relative to the source's
// root, so that a root that moves changes one setting. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::sources {

struct PinnedFile {
  std::string source, key;
  std::string etag;
  int64_t size = 0;
};

// Whether a source_key names a file of a source, and not an object of our own store.
bool IsPinnedFile(std::string_view source_key);
std::string FormatPinnedFile(const PinnedFile& file);
// INVALID_ARGUMENT: not what FormatPinnedFile makes.
StatusOr<PinnedFile> ParsePinnedFile(std::string_view text);

}  // namespace vora::sources
