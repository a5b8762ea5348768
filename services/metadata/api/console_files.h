#pragma once

// Files of the console's folder.

#include <filesystem>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::metadata {

// By file name ending; application/octet-stream when unknown.
std::string_view ContentTypeOf(std::string_view name);

// Whether an Accept-Encoding header takes gzip (RFC 9110 section 12.5.3).
bool AcceptsGzip(std::string_view accept_encoding);

struct ConsoleFile {
  std::string content;
  std::string etag;      // strong, quoted
  bool gzipped = false;  // `content` is gzip
};

// `relative` must name a regular file inside `root`, after links are followed. NOT_FOUND: it does not, or there is no such file.
StatusOr<ConsoleFile> ReadConsoleFile(const std::filesystem::path& root, std::string_view relative);
// The same; the compressed copy that lies beside it, ending in `.gz`, when `gzip` and there is one.
StatusOr<ConsoleFile> ReadConsoleFile(const std::filesystem::path& root, std::string_view relative, bool gzip);

}  // namespace vora::metadata
