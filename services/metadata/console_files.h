#pragma once

// Files of the console's folder.

#include <filesystem>
#include <string>
#include <string_view>

#include "libs/core/status.h"

namespace vora::metadata {

// By file name ending; application/octet-stream when unknown.
std::string_view ContentTypeOf(std::string_view name);

struct ConsoleFile {
  std::string content;
  std::string etag;  // strong, quoted
};

// `relative` must name a regular file inside `root`, after links are followed. NOT_FOUND: it does not, or there is no such file.
StatusOr<ConsoleFile> ReadConsoleFile(const std::filesystem::path& root, std::string_view relative);

}  // namespace vora::metadata
