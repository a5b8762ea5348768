#pragma once

// A file behind a URL of http or https. Each redirect is checked as the URL itself was; what is connected to is what was checked.

#include <functional>
#include <memory>
#include <string>

#include "services/transcode-worker/imports/origin.h"

namespace vora::transcode {

std::unique_ptr<Origin> MakeUrlOrigin(std::string url, const ImportOptions& options, std::function<bool()> stopped);

// The kind `import.too_large`.
Status TooLarge(const std::string& what, int64_t max_bytes);

}  // namespace vora::transcode
